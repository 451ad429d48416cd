"""Pages: the home page of each role, and the find box."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.escalations import read_entries

from . import search, work_lists

pages = Blueprint("home", __name__)

MAX_PAGE = 1_000


@pages.get("/")
@requires(Permission.SIGNED_IN)
def page() -> str:
    """The home page: the signed-in person's work lists of today."""
    return render_template("home/page.html", home=_load_home())


@pages.get("/home/rows")
@requires(Permission.SIGNED_IN)
def rows() -> str:
    """The part of the home page that refreshes itself."""
    return render_template("home/_today.html", home=_load_home())


def _load_home() -> work_lists.WorkLists:
    """Load the person's work lists and record in the audit trail how many patients they name."""
    page = parse_record_id(request.args.get("page", "")) or 1
    home = work_lists.load_work_lists(current_person(), min(page, MAX_PAGE))
    if home.critical is not None:
        read_entries.record_board(home.critical.rows)
    read_log.record_list_read("home.read_board", home.people, entity="patient", renews=True)
    return home


@pages.get("/find")
@requires(Permission.FIND_PATIENT)
def find_page() -> ResponseReturnValue:
    """All patients that match the find box, with the next action for each. The number of a bill or receipt opens the bill."""
    typed = search_text(request.args.get("q"))
    bill = search.find_bill(typed, who=current_person())
    if bill is not None:
        return redirect(url_for("billing.bill", bill_id=bill.bill_id))
    patients = search.find_patients(typed, limit=25, who=current_person())
    medicines = search.find_medicines(typed, limit=25, who=current_person())
    read_log.record_list_read("patients.read_list", len(patients), entity="patient", is_search=True)
    return render_template("home/find.html", typed=typed, patients=patients, medicines=medicines)


@pages.get("/find/rows")
@requires(Permission.FIND_PATIENT)
def find_rows() -> str:
    """The list under the find box: at most eight rows."""
    typed = search_text(request.args.get("q"))
    bill = search.find_bill(typed, who=current_person())
    patients = [] if bill else search.find_patients(typed, limit=8, who=current_person())
    read_log.record_list_read(
        "patients.read_list", len(patients) or (1 if bill else 0), entity="patient", is_search=True
    )
    is_linked = bill is None and current_person().may(Permission.READ_STOCK)
    medicines = search.find_medicines(typed, limit=4, who=current_person()) if is_linked else []
    return render_template("home/_find_rows.html", typed=typed, patients=patients, bill=bill, medicines=medicines)
