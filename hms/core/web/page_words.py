"""The sentences that the scripts of pages say, in the reader's language."""

from __future__ import annotations

from functools import cache

from babel.support import NullTranslations
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from hms.core.text.translation import N_

from .localisation import catalogue
from .template_filters import month_words

WORDS = {
    "saving": N_("Saving…"),
    "locked": N_("Locked – HMS"),
    "find": N_("Find a patient"),
    "one_found": N_("1 found"),
    "many_found": N_("{count} found"),
    "none_found": N_("Nothing found"),
    "search_failed": N_("The list is not answering. Type again, or go on with your own words."),
    "find_failed": N_("Search is not answering. Press Enter to try the full search."),
    "date_future": N_("This day has not come yet"),
    "date_unclear": N_("Write the day like 27 3 2007"),
    "new_rows": N_("{count} new – Show"),
    "changed_rows": N_("The list changed – Show"),
    "draft_saving": N_("Saving draft…"),
    "draft_saved": N_("Draft saved {time}"),
    "draft_unsaved": N_("Not saved yet"),
    "draft_failed": N_("Not saved yet. Keep this page open; we retry every 5 s."),
    "draft_failed_since": N_("Not saved since {time}. Keep this page open; we retry every 5 s."),
    "draft_elsewhere": N_("This draft is open on another computer."),
    "saved": N_("Saved {time}"),
    "not_sent": N_("Not saved: the hospital's server did not answer. Nothing you typed is lost; press again."),
    "signed_out": N_("You were signed out. Nothing you typed is lost: keep this page open."),
    "sign_in_again": N_("Sign in again"),
    "signed_out_typed": N_(
        "You were signed out. What you typed is not lost: sign in again in another tab, and this "
        "page comes back as you left it."
    ),
    "locked_unsaved": N_("Locked. Something you typed could not be kept yet; this page still tries."),
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
