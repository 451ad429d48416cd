"""Forms of documents and photos."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.text.dates import parse_recent_date
from hms.core.text.formatting import format_date
from hms.core.web.forms import ActionForm, ParsedField, Required, Text
from hms.patients.enums import DOCUMENT_CATEGORY_LABELS, DocumentCategory

from . import rules, uploads


class DocumentForm(ActionForm):
    """A document with its file."""

    file = FileField(_l("File"))
    camera = FileField(_l("Or a picture of the paper, taken now"))
    category = SelectField(_l("Category"), [Required()])
    title = Text(_l("Title"), [Required()], longest=rules.MAX_TITLE_LENGTH)
    dated_on = ParsedField(
        _l("Date of the document"), parse=lambda text: parse_recent_date(text, clock.today()), show=format_date
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {kind: label for kind, label in DOCUMENT_CATEGORY_LABELS.items() if kind != DocumentCategory.PHOTO}
        self.category.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(str(kind), label) for kind, label in labels.items()),
        ]

    def values(self) -> dict[str, Any]:
        typed = super().values()
        del typed["camera"]
        return typed | {"file": uploads.check_file(_content(self.file) or _content(self.camera))}


class PhotoForm(ActionForm):
    """The photo of a patient."""

    file = FileField(_l("New photo"), id="photo-file")

    def values(self) -> dict[str, Any]:
        return {"file": uploads.check_photo(_content(self.file))}


class ErrorForm(ActionForm):
    """Why a document or a photo was entered in error."""

    reason = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)


def _content(field: FileField) -> bytes:
    return field.data.read() if field.data else b""
