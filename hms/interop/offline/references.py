"""What an entry refers to: records of other entries by the device's key, and patients by their hospital number."""

from __future__ import annotations

import re
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.patients.identity import hospital_numbers

from . import queries

FIRST_TO_LAST = ("patient", "appointment", "encounter", "prescription", "bill", "payment")
"""Each may refer only to those before it."""
REFERENCES = {
    name: model for model in ("patient", "appointment", "encounter", "bill") for name in (model, f"{model}_id")
}
"""The fields that refer to a record, with its model."""
_RECORD_ID = re.compile(r"[0-9]+")


def resolve(fields: dict[str, Any], *, user_id: int, keys: set[tuple[str, str]]) -> dict[str, Any]:
    """`fields` with record ids instead of references; `RuleBroken` at a field whose record is not saved.

    A reference is the device's key of another entry, of this batch (`keys`) or of an earlier one, as text or as
    `{"key": …}`. A patient may also be named by the hospital number.
    """
    return fields | {
        name: _record_id(model, fields[name], name, user_id, keys)
        for name, model in REFERENCES.items()
        if name in fields
    }


def _record_id(model: str, value: Any, field: str, user_id: int, keys: set[tuple[str, str]]) -> Any:
    key = value.get("key") or value.get("unique_id") if isinstance(value, dict) else value
    if not isinstance(key, str) or not key or (_RECORD_ID.fullmatch(key) and (model, key) not in keys):
        return value
    saved = queries.saved_entry(user_id, model, key)
    if saved is not None:
        return saved.record_id
    if model == "patient" and (n := hospital_number(key, field)) is not None:
        patient_id = queries.patient_id_by_number(n)
        if patient_id is None:
            raise RuleBroken(N_("No patient has this hospital number. Check the number."), field)
        return patient_id
    if (model, key) in keys:
        raise RuleBroken(
            N_("The entry that this one refers to was not accepted. Correct it, then send both again."), field
        )
    raise RuleBroken(N_("There is no saved entry with the key %(key)s. Send that entry first."), field, key=key)


def hospital_number(text: Any, field: str) -> int | None:
    """The running number in a hospital number with its prefix; None for other text.

    `RuleBroken` at `field` when the check digit is wrong.
    """
    prefix = settings.value("patients.number_prefix")
    if not isinstance(text, str) or not re.match(rf"\s*{re.escape(prefix)}[\s./_‐‑‒–—-]*[0-9]", text, re.IGNORECASE):
        return None
    if not re.fullmatch(r"[0-9\s./_‐‑‒–—-]+", text.strip()[len(prefix) :]):
        return None
    n = hospital_numbers.parse_hospital_number(text, prefix)
    if n is None:
        raise RuleBroken(N_("This is not a correct hospital number. Check the number."), field)
    return n
