"""What the pharmacist's page shows of a visit: each line with its dose sentence, batches and warnings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from hms.clinical.prescriptions.stored_checks import StoredChecks, list_answered
from hms.core import clock
from hms.core.money import ZERO
from hms.core.text.formatting import quantity as in_words
from hms.core.text.translation import Sentence
from hms.formulary.dosing.doses import SentencePart
from hms.formulary.dosing.strengths import COUNTED
from hms.formulary.safety import allergy_check
from hms.formulary.safety.medicine_facts import Medicine
from hms.patients.models import Patient
from hms.pharmacy.stock import allocation

from . import labels, rules
from .allergy_recheck import Recheck, recheck

GIVABLE = ("active", "part_dispensed")


@dataclass(frozen=True, slots=True)
class Pick:
    """A quantity from one batch; `left` is the batch's stock before it is taken."""

    batch_id: int
    lot: str
    expires_on: date | None
    quantity: int
    left: int


@dataclass(slots=True)
class Line:
    """One medicine of a visit. `offered` is the quantity that the page suggests to dispense now."""

    row: Any
    medicine: Any
    parts: tuple[SentencePart, ...]
    owed: int | None
    offered: int = 0
    picks: list[Pick] = field(default_factory=list)
    skipped: list[tuple[str, Sentence]] = field(default_factory=list)
    found: Recheck = field(default_factory=Recheck)
    given_before: tuple[int, datetime] | None = None

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def is_givable(self) -> bool:
        return self.row.status in GIVABLE and self.medicine is not None

    @property
    def short(self) -> int:
        return max((self.owed or 0) - self.offered, 0)

    @property
    def plan(self) -> str:
        """The batches in the form that the page posts: "12x24,15x3"."""
        return ",".join(f"{pick.batch_id}x{pick.quantity}" for pick in self.picks)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        """What the checks said to the prescriber, as (tier, message, the prescriber's reason), each once; allergies are left
        out, they are checked again, and so is what was said only to know."""
        checks = self._checks_but_allergies()
        alerts = [(alert.tier, alert.message) for alert in checks.alerts if alert.tier != "info"]
        reasons = self._reasons()
        found = dict.fromkeys(alerts + [("caution", text) for text in checks.missing])
        return [(tier, message, reasons.get(message, "")) for tier, message in found]

    @property
    def reason(self) -> str:
        """The prescriber's reasons to prescribe in spite of recorded allergies."""
        told = {message for _tier, message, _reason in self.said}
        return "; ".join(dict.fromkeys(reason for message, reason in self._reasons().items() if message not in told))

    def _reasons(self) -> dict[str, str]:
        return {answered.message: answered.reason for answered in list_answered(self.row) if answered.reason}

    @property
    def not_checked(self) -> list[str]:
        """For what the lists had no line when it was prescribed."""
        return self._checks_but_allergies().unknown

    def _checks_but_allergies(self) -> StoredChecks:
        return StoredChecks.of(self.row.checks).without(allergy_check.RULE)

    def units(self, count: int) -> str:
        """`count` with the medicine's unit: "24 tablets"."""
        unit = (self.medicine.unit if self.medicine else "") or ""
        return in_words(count, unit if count == 1 else COUNTED.get(unit, unit) or None)


def visit_key(encounter_id: int | None, patient_id: int) -> str:
    """The name of a visit in addresses; prescriptions without an encounter are kept together by patient."""
    return f"v{encounter_id}" if encounter_id else f"p{patient_id}"


@dataclass(slots=True)
class Visit:
    """The lines of one visit and their patient; without lines and allergies when the record `is_closed`.

    `first` is the row of the first prescription, which has the prescriber and the time.
    """

    encounter_id: int | None
    patient: Patient
    allergies: list[str]
    paid_words: tuple[str, str]
    lines: list[Line]
    first: Any
    is_closed: bool = False
    is_emergency: bool = False

    @property
    def key(self) -> str:
        return visit_key(self.encounter_id, self.patient.id)

    @property
    def prescriber(self) -> str:
        row = self.first
        return " ".join(part for part in (row.title, row.first_name, row.last_name) if part) or row.username or ""

    @property
    def given_now(self) -> list[Line]:
        return [line for line in self.lines if line.is_givable and not line.found.new]

    @property
    def offered_now(self) -> list[Line]:
        """Those of which there is something to give."""
        return [line for line in self.given_now if line.offered]


def build_lines(
    rows: Sequence[Any],
    medicines: dict[int, Any],
    batches: dict[int, list[Any]],
    patient: Patient,
    allergies: Sequence[Any],
    before: dict[Any, Any],
) -> list[Line]:
    """The lines with their batches; two lines of the same medicine share its batches."""
    taken: dict[int, int] = defaultdict(int)
    lines = []
    for row in rows:
        medicine = medicines.get(row.medication_id)
        owed = None if row.quantity is None else rules.remaining_quantity(row.quantity, row.quantity_dispensed)
        line = Line(row, medicine, labels.parts_of(row, medicine), owed)
        if medicine is not None:
            line.found = recheck(
                Medicine.from_record(medicine, row.medication_name),
                allergies,
                is_asked=patient.allergy_status != "not_asked",
                line=row,
            )
            line.given_before = _other_dispense(before, row)
        if line.is_givable and owed and not line.found.new:
            _offer(line, batches.get(row.medication_id, ()), taken)
        lines.append(line)
    return lines


def _other_dispense(before: dict[Any, Any], row: Any) -> tuple[int, datetime] | None:
    others = [
        given
        for (patient_id, medication_id, prescription_id), given in before.items()
        if (patient_id, medication_id) == (row.patient_id, row.medication_id) and prescription_id != row.id
    ]
    return others[-1] if others else None


def _offer(line: Line, held: Sequence[Any], taken: dict[int, int]) -> None:
    by_id = {batch.id: batch for batch in held}
    available = [allocation.Batch(batch.id, batch.quantity - taken[batch.id], batch.expires_on) for batch in held]
    result = allocation.allocate(line.owed or 0, available, clock.today(), line.row.days or 0)
    for batch_id, count in result.picks:
        batch = by_id[batch_id]
        line.picks.append(Pick(batch_id, batch.lot_number, batch.expires_on, count, batch.quantity - taken[batch_id]))
        taken[batch_id] += count
    line.offered = (line.owed or 0) - result.short
    line.skipped = [(by_id[batch_id].lot_number, reason) for batch_id, reason in result.skipped]


def paid_words(owed: Any, rows: Sequence[Any]) -> tuple[str, str]:
    """The state of the patient's bills as a kind of status and a label, without amounts, which a pharmacist may not see.

    A medicine is charged when it is dispensed: while one of `rows` is still to be dispensed, nothing is called paid.
    """
    if owed is None:
        return "neutral", _l("No bill yet")
    if owed > ZERO:
        return "caution", _l("To pay")
    is_charged = all(row.status not in (*GIVABLE, "on_hold") for row in rows)
    return ("good", _l("Paid")) if is_charged else ("neutral", _l("Not charged yet"))
