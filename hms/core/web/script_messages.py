"""The messages of the pages' scripts, in the reader's language."""

from __future__ import annotations

from functools import cache

from babel.support import NullTranslations
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from hms.core.text.translation import N_

from .localisation import catalogue
from .template_filters import short_month_names

SCRIPT_MESSAGES = {
    "saving": N_("Saving…"),
    "locked": N_("Locked – HMS"),
    "find": N_("Find a patient"),
    "one_found": N_("1 found"),
    "many_found": N_("{count} found"),
    "none_found": N_("Nothing found"),
    "search_failed": N_("The list could not be loaded. Type again, or continue with your own text."),
    "find_failed": N_("Search failed. Press Enter to try the full search."),
    "date_future": N_("This date is in the future"),
    "date_past": N_("The date of birth is too long ago. Check the year."),
    "date_expiry_year": N_("Check the year of the expiry date."),
    "date_unclear": N_("Enter the date like 27 3 2007"),
    "new_rows": N_("{count} new – Show"),
    "changed_rows": N_("List changed – Show"),
    "draft_saving": N_("Saving draft…"),
    "draft_saved": N_("Draft saved {time}"),
    "draft_unsaved": N_("Not saved yet"),
    "draft_failed": N_("Not saved yet. Keep this page open. It tries again every 5 s."),
    "draft_failed_since": N_("Not saved since {time}. Keep this page open. It tries again every 5 s."),
    "draft_elsewhere": N_("This draft is open on another computer."),
    "file_shrinking": N_("The picture is made smaller…"),
    "file_smaller": N_("Made smaller, so that it can be sent: {size} kB instead of {before} kB."),
    "file_too_large": N_("This file has {size} kB. At most {largest} kB can be sent: choose a smaller one."),
    "saved": N_("Saved {time}"),
    "not_sent": N_("Not saved: no answer from the server. Nothing you typed is lost. Try again."),
    "signed_out": N_("You were signed out. Nothing you typed is lost. Keep this page open."),
    "sign_in_again": N_("Sign in again"),
    "signed_out_typed": N_(
        "You were signed out. Nothing you typed is lost. Sign in again in another tab, and this "
        "page returns as you left it."
    ),
    "locked_unsaved": N_("Locked. Some of your text is not saved yet. This page keeps trying."),
}
"""By the names that `static/js` uses. The script fills in the placeholders in braces."""


def script_messages_json() -> Markup:
    """`SCRIPT_MESSAGES` and the short names of the months ("months"), as JSON."""
    return _as_json(catalogue(), short_month_names())


@cache
def _as_json(translations: NullTranslations, months: tuple[str, ...]) -> Markup:
    messages = {name: translations.ugettext(message) for name, message in SCRIPT_MESSAGES.items()}
    return htmlsafe_json_dumps(messages | {"months": months})
