"""Forms of documents that are handed out. The action checks everything else."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField

from hms.core.web.forms import ActionForm, LongText, Text


class IssueForm(ActionForm):
    """The text of a document to hand out; each kind shows its own fields. The choices of `language` are set by the page."""

    language = SelectField(_l("Language of the document"), choices=(), validate_choice=False)
    addressee = Text(_l("To"), longest=200)
    body = LongText(_l("Text"), longest=5000)
    from_on = Text(_l("First day"), longest=40)
    until_on = Text(_l("Last day"), longest=40)
    shows_diagnosis = BooleanField(_l("Print the diagnosis"))


class DocumentCodeForm(ActionForm):
    """The code that stands on a document."""

    code = Text(_l("Code on the document"), longest=40)
