"""The section "Tests" of the encounter page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from hms.clinical import page_extensions
from hms.clinical.models import Encounter
from hms.core.person import Person
from hms.core.text.numbers import parse_record_id

from . import actions, queries


def _add(form: Any, encounter: Encounter, _target: str, by: Person) -> None:
    test = {"code": form.test_code.data or "", "text": form.test.data or ""}
    actions.order_test(encounter.id, **test, is_urgent=form.test_urgent.data == "yes", by=by)


def _cancel(_form: Any, encounter: Encounter, target: str, by: Person) -> None:
    actions.cancel_order(parse_record_id(target) or 0, encounter_id=encounter.id, by=by)


page_extensions.add_section(
    page_extensions.Section(
        title=_l("5 Tests"),
        anchor="tests",
        template="lab/_section.html",
        read_template="lab/_results.html",
        print_template="lab/_printed.html",
        load=lambda encounter: queries.load_encounter_tests(encounter.id, encounter.patient_id),
        steps={"add_test": _add, "cancel_test": _cancel},
        clears=("test", "test_code", "test_urgent"),
    )
)
