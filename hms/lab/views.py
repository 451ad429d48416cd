"""Pages: the laboratory's worklist and results; options and orders for the encounter page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.clinical.vitals import readings
from hms.core import clock
from hms.core.api import read_log
from hms.core.errors import DomainError, StaleVersion
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.web import navigation
from hms.core.web.guard import current_person, requires
from hms.patients.access import policy
from hms.patients.records import banner as record_banner

from . import actions, queries, rules, typed_values
from .catalogue import tests
from .enums import OrderStatus
from .forms import ResultForm, build_result_form, stored_values
from .models import LabOrder

pages = Blueprint("lab", __name__)
navigation.add_entry(_l("Laboratory"), "lab.worklist", Permission.ENTER_RESULT, order=45, key="l")


@pages.app_template_global("result_flag")
def result_flag(flag: str) -> tuple[str, str]:
    """(level, label) of a stored flag."""
    return rules.FLAGS[flag]


@pages.get("/lab/")
@requires(Permission.ENTER_RESULT)
def worklist() -> str:
    """The waiting tests, or those done today."""
    return render_template("lab/worklist.html", **_worklist_data())


@pages.get("/lab/rows")
@requires(Permission.ENTER_RESULT)
def rows() -> str:
    """The worklist without its page, for live updates."""
    return render_template("lab/_worklist.html", **_worklist_data())


def _worklist_data() -> dict[str, object]:
    show = "done" if request.args.get("show") == "done" else "waiting"
    orders = queries.worklist(show)
    opened = policy.record_access((order.patient for order in orders), current_person())
    readable = [order for order in orders if order.patient_id not in opened.closed]
    read_log.record_reads(
        "lab.read_board", (_read_entry(order, opened.emergency) for order in readable), entity="lab_order"
    )
    return {
        "show": show,
        "orders": orders,
        "closed": opened.closed,
        "tests": tests(),
        "current": queries.current_results,
        "export_filters": _export_filters(show),
    }


def _export_filters(show: str) -> dict[str, str]:
    """The filters of the API's list for the tab."""
    if show == "done":
        return {"done_on": clock.today().isoformat(), "ordering": "-done_at"}
    return {"status": OrderStatus.WAITING.value, "ordering": "id"}


def _read_entry(order: LabOrder, in_emergency: Collection[int]) -> read_log.PatientRead:
    purpose = policy.EMERGENCY if order.patient_id in in_emergency else None
    return read_log.PatientRead(order.patient_id, order.id, purpose=purpose)


@pages.route("/lab/orders/<int:order_id>", methods=["GET", "POST"])
@requires(Permission.ENTER_RESULT)
def order(order_id: int) -> ResponseReturnValue:
    """Enter or correct the results of an order."""
    lab_order = queries.get_order(order_id, current_person())
    form, fields = build_result_form(lab_order, queries.current_results_by_code(order_id))
    form.merge_with(lambda: _stored_values(order_id, fields))
    if form.validate_on_submit() and form.merging.apply():
        try:
            typed = {code: form[name].data or "" for code, name in fields.items()}
            values = {"reason": form.reason.data or "", "version": form.version.data}
            saved = actions.enter_results(order_id, typed, **values, by=current_person())
        except DomainError as refusal:
            if not isinstance(refusal, StaleVersion) or form.merging.apply():
                form.refuse_at(refusal, fields)
        else:
            flash(_saved_message(saved), "success")
            return redirect(url_for("lab.worklist"), 303)
    return _order_page(
        queries.get_order(order_id, current_person()) if form.is_submitted() else lab_order, form, fields
    )


def _saved_message(order: LabOrder) -> str:
    """How much of the order is entered: a panel stays in the list until it is complete."""
    entered, needed = (
        len(queries.current_results_by_code(order.id)),
        len(rules.tests_of_order(order.test_code, order.test_name)),
    )
    if entered >= needed:
        return _("%(test)s saved.", test=order.test_name)
    return _("%(test)s: %(entered)s of %(needed)s results saved.", test=order.test_name, entered=entered, needed=needed)


@pages.post("/lab/orders/<int:order_id>/meaning")
@requires(Permission.ENTER_RESULT)
def typed_meaning(order_id: int) -> ResponseReturnValue:
    """What the typed results of an order mean (JSON), and nothing is saved; the body has the names of its form."""
    lab_order = queries.get_order(order_id, current_person())
    form, fields = build_result_form(lab_order, {})
    typed = {code: form[name].data or "" for code, name in fields.items()}
    tests_of_order = rules.tests_of_order(lab_order.test_code, lab_order.test_name)
    patient = lab_order.patient
    meanings = typed_values.describe(tests_of_order, typed, patient.sex, readings.age_years(patient.birth_date))
    return jsonify(fields={fields[code]: asdict(meaning) for code, meaning in meanings.items()})


def _stored_values(order_id: int, fields: dict[str, str]) -> dict[str, Any]:
    order = queries.get_order(order_id, current_person())
    return stored_values(order, queries.current_results_by_code(order_id), fields)


def _order_page(order: LabOrder, form: ResultForm, fields: dict[str, str]) -> ResponseReturnValue:
    """The page of an order with the form and its errors."""
    test = tests().get(order.test_code)
    context = {
        "order": order,
        "banner": record_banner.patient_banner(order.patient, current_person()),
        "specimen": test.specimen if test else None,
        "parts": rules.tests_of_order(order.test_code, order.test_name),
        "form": form,
        "fields": fields,
        "corrected": queries.corrected_results(order),
    }
    read_log.record_read("lab.read_order", order.patient_id, entity="lab_order", entity_id=order.id)
    return render_template("lab/order.html", **context), form.status


@pages.get("/lab/tests")
@requires(Permission.ORDER_TEST)
def find_tests() -> str:
    """Options of the test field."""
    return render_template("lab/_tests.html", rows=rules.find_tests(search_text(request.args.get("q"), longest=255)))


@pages.get("/encounters/<int:encounter_id>/tests")
@requires(Permission.ORDER_TEST)
def of_encounter(encounter_id: int) -> str:
    """The tests of one's own encounter, for live updates of its page."""
    encounter = queries.get_own_encounter(encounter_id, current_person())
    is_written, orders = (
        encounter.status == "in_progress",
        queries.load_encounter_tests(encounter.id, encounter.patient_id).orders,
    )
    entry = {"entity": "encounter", "entity_id": encounter.id, "renews": True}
    read_log.record_read("clinical.read_lab_order", encounter.patient_id, **entry)
    return render_template("lab/_orders.html", orders=orders, is_written=is_written)
