"""Page: the visit summary to print, for the patient, a referral or the file."""

from __future__ import annotations

from flask import render_template

from hms.clinical.blueprints import pages
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires

from . import page_data


@pages.get("/encounters/<int:encounter_id>/summary")
@requires(Permission.OPEN_CHART)
def print_summary(encounter_id: int) -> str:
    """The visit summary; it says when the encounter is not signed."""
    return render_template("clinical/summary.html", page=page_data.load_page(encounter_id, current_person()))
