"""The sentences that the scripts of pages say, in the reader's language."""

from __future__ import annotations

from functools import cache

from babel.support import NullTranslations
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from hms.core.text.translation import _

from .localisation import catalogue
from .template_filters import month_words

WORDS = {
    "saving": _("Saving…"),
    "locked": _("Locked – HMS"),
    "find": _("Find a patient"),
    "one_found": _("1 found"),
    "many_found": _("{count} found"),
    "none_found": _("Nothing found"),
    "search_failed": _("The list is not answering. Type again, or go on with your own words."),
    "find_failed": _("Search is not answering. Press Enter to try the full search."),
    "date_future": _("This day has not come yet"),
    "date_unclear": _("Write the day like 27 3 2007"),
    "new_rows": _("{count} new – Show"),
    "changed_rows": _("The list changed – Show"),
    "draft_saving": _("Saving draft…"),
    "draft_saved": _("Draft saved {time}"),
    "draft_unsaved": _("Not saved yet"),
    "draft_failed": _("Not saved yet. Keep this page open; we retry every 5 s."),
    "draft_failed_since": _("Not saved since {time}. Keep this page open; we retry every 5 s."),
    "draft_elsewhere": _("This draft is open on another computer."),
    "saved": _("Saved {time}"),
    "not_sent": _("Not saved: the hospital's server did not answer. Nothing you typed is lost; press again."),
    "signed_out": _("You were signed out. Nothing you typed is lost: keep this page open."),
    "sign_in_again": _("Sign in again"),
    "signed_out_typed": _(
        "You were signed out. What you typed is not lost: sign in again in another tab, and this "
        "page comes back as you left it."
    ),
    "locked_unsaved": _("Locked. Something you typed could not be kept yet; this page still tries."),
}
"""By the names that `static/js` asks for. What stands in braces is filled in by the script."""


def page_words() -> Markup:
    """`WORDS` and the short names of the months ("months"), as JSON; the same for every reader of a language."""
    return _as_json(catalogue(), month_words())


@cache
def _as_json(of_language: NullTranslations, months: tuple[str, ...]) -> Markup:
    return htmlsafe_json_dumps(
        {name: of_language.ugettext(words) for name, words in WORDS.items()} | {"months": months}
    )
