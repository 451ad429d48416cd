"""The home page of each role."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hms.core.permissions import Action
from hms.core.web import needs, person

from . import find, today

pages = Blueprint("home", __name__)


@pages.get("/")
@needs(Action.SIGNED_IN)
def page() -> str:
    """The signed-in person's desk of the day."""
    return render_template("home/page.html", home=today.today(person()))


@pages.get("/home/rows")
@needs(Action.SIGNED_IN)
def rows() -> str:
    """The part of the home page that renews itself."""
    return render_template("home/_today.html", home=today.today(person()))


@pages.get("/find")
@needs(Action.FIND_PATIENT)
def find_page() -> ResponseReturnValue:
    """Everybody who fits what was typed into the find box, with what can be done for each. The number of a bill or receipt
    opens its bill."""
    typed = request.args.get("q", "").strip()[:100]
    bill = find.document(typed, who=person())
    if bill is not None:
        return redirect(url_for("billing.bill", bill_id=bill.bill_id))
    found = find.rows(typed, limit=25, who=person())
    medicines = find.medicines(typed, limit=25, who=person())
    return render_template("home/find.html", typed=typed, found=found, medicines=medicines)


@pages.get("/find/rows")
@needs(Action.FIND_PATIENT)
def find_rows() -> str:
    """The list under the find box: at most eight rows."""
    typed = request.args.get("q", "").strip()[:100]
    bill = find.document(typed, who=person())
    found = [] if bill else find.rows(typed, limit=8, who=person())
    is_linked = bill is None and person().may(Action.READ_STOCK)
    medicines = find.medicines(typed, limit=4, who=person()) if is_linked else []
    return render_template("home/_find_rows.html", typed=typed, found=found, bill=bill, medicines=medicines)
