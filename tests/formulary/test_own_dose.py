"""Custom doses: short form and fields agree, or are refused at the wrong field."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from hms.core.errors import RuleBroken
from hms.formulary.dosing import shorthand
from hms.formulary.dosing.custom_dose import DoseInput, describe_unlisted_medicine, dose_to_input, parse_dose
from hms.formulary.dosing.doses import format_dose
from hms.formulary.medicines import catalogue


@dataclass
class Capsule:
    route: str = "oral"
    unit: str = "capsule"


FIELDS = {"amount": "500", "unit": "mg", "route": "oral", "frequency": "three_times_daily", "duration": "5"}
SAID = "500\u00a0mg — oral — three times a day — 5 days"


@pytest.mark.parametrize(
    "dose_input",
    [
        DoseInput(short="500mg tds 5/7 po"),
        DoseInput(**FIELDS),
        DoseInput(**FIELDS | {"duration": "5/7"}),
        DoseInput(short="500 mg tds 5/7", **FIELDS),
        DoseInput(short="500 mg tds 5/7", unit="mg", route="oral"),
    ],
)
def test_a_dose_is_read_from_either(dose_input):
    assert format_dose(parse_dose(dose_input, Capsule())) == SAID


@pytest.mark.parametrize(
    ("dose_input", "field"),
    [
        (DoseInput(), "dose"),
        (DoseInput(unit="mg", route="oral"), "dose"),
        (DoseInput(short="500 mg bd 5/7", **FIELDS), "dose"),
        (DoseInput(**FIELDS | {"maximum": "1000"}), "max_per_day"),
        (DoseInput(short="500 mg tds max 1 g 5/7 po"), "dose"),
        (DoseInput(**FIELDS | {"amount": ""}), "amount"),
        (DoseInput(**FIELDS | {"amount": "1,000"}), "amount"),
        (DoseInput(**FIELDS | {"amount": "-5"}), "amount"),
        (DoseInput(**FIELDS | {"unit": "spoons"}), "unit"),
        (DoseInput(**FIELDS | {"route": "sideways"}), "route"),
        (DoseInput(**FIELDS | {"frequency": ""}), "frequency"),
        (DoseInput(**FIELDS | {"frequency": "now and then"}), "frequency"),
        (DoseInput(**FIELDS | {"duration": "a while"}), "days"),
        (DoseInput(**FIELDS | {"duration": "5 days 2 weeks"}), "days"),
        (DoseInput(**FIELDS | {"duration": "900"}), "days"),
        (DoseInput(**FIELDS | {"maximum": "much"}), "max_per_day"),
        (DoseInput(**FIELDS | {"maximum": "100"}), "max_per_day"),
    ],
)
def test_a_wrong_dose_is_reported_at_its_field(dose_input, field):
    with pytest.raises(RuleBroken) as refusal:
        parse_dose(dose_input, Capsule())
    assert refusal.value.field == field


def test_unit_and_route_default_to_those_of_the_medicine():
    assert (
        format_dose(parse_dose(DoseInput(amount="2", frequency="at_night"), Capsule()))
        == "2\u00a0capsules — oral — at night"
    )
    half = parse_dose(DoseInput(amount="1/2", unit="tablet", as_needed="yes", maximum="2"), Capsule())
    assert (half.amount, half.as_needed, half.max_per_day) == (Decimal("0.5"), True, Decimal(2))


@pytest.mark.parametrize("short", ["500 mg tds 5/7", "1 g qds prn max 4 g", "2 tablets nocte 2/52", "0.5 mg stat im"])
def test_fields_say_what_the_dose_is(short):
    dose = shorthand.parse_shorthand(short, default_route="oral")
    assert parse_dose(dose_to_input(dose), Capsule()) == dose


def test_an_unlisted_medicine_keeps_the_typed_text():
    dose_input = DoseInput(amount="1", unit="mL", frequency="twice_daily", as_needed="yes", duration="2/52")
    assert describe_unlisted_medicine(dose_input) == {
        "dosage": "1 mL",
        "frequency": "twice a day when required",
        "duration": "2 weeks",
    }


def test_every_alternative_is_a_medicine_of_the_list():
    known = {name for medication in catalogue.load_medications() for name in medication.facts.ingredients}
    for use in catalogue.load_uses():
        assert set(use.ingredients) <= known, use.name
        assert len(use.ingredients) > 1
