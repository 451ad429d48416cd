"""Patients for tests, registered through the action."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from hms.core.person import SYSTEM
from hms.patients.models import Patient
from hms.patients.registration import actions

_nth = count(1)


def a_patient(**values: Any) -> Patient:
    """A registered patient; `values` replace the default values, which give every patient a different name."""
    usual = {
        "given_names": "Kadiatu",
        "family_name": f"Kamara{_letters(next(_nth))}",
        "sex": "female",
        "birth_date": date(1991, 3, 13),
        "phone": "076 123 476",
        "address": "12 Hill Road",
    }
    return actions.register_patient(**(usual | values), by=values.pop("by", SYSTEM))


def _letters(n: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(n))
