"""Forms of the clinical pages: types and lengths. The actions check everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice

from hms.appointments.enums import PRIORITY_LABELS
from hms.core import clock
from hms.core.text.dates import parse_upcoming_date
from hms.core.text.formatting import format_date
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import Sentence
from hms.core.web.forms import ActionForm, LongText, ParsedField, RecordIdField, Required, Text, WholeField
from hms.formulary.dosing.custom_dose import REGULARLY, WHEN_REQUIRED
from hms.formulary.dosing.doses import FREQUENCIES, ROUTES
from hms.formulary.dosing.strengths import COUNTED, MEASURED

from .encounters import rules
from .models import NoteTemplate
from .note_templates.actions import DEPARTMENT, KINDS, NOTE, OWN, SCOPES
from .reason_boxes import ReasonBoxes
from .vitals import news2
from .vitals.triage import CALL_REASONS


def _choices(*pairs: tuple[str, object]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def _ticks(label: object) -> SelectMultipleField:
    """A field for the ids of ticked records; the template writes the boxes."""
    return SelectMultipleField(label, choices=(), coerce=_record_id, validate_choice=False)


def _record_id(text: object) -> int:
    record_id = parse_record_id(str(text))
    if record_id is None:
        raise ValueError(text)
    return record_id


class EncounterForm(ActionForm):
    """The whole encounter page: texts, and the diagnosis, medicine and test that are being added."""

    patient_id = RecordIdField()
    version = WholeField()
    page = HiddenField()
    came = HiddenField()
    template = SelectField(_l("Template"), choices=(), validate_choice=False)
    order_set = SelectField(_l("Order set"), choices=(), validate_choice=False)
    chief_complaint = Text(_l("Complaint"), longest=1000)
    notes = LongText(_l("Note"), longest=20_000)
    copy_rx = _ticks(_l("Current medicines"))
    copy_dx = _ticks(_l("Current problems"))
    copy_note = _ticks(_l("Notes"))
    dx = Text(_l("Diagnosis"), longest=255)
    dx_code = HiddenField()
    dx_certainty = RadioField(
        _l("Certainty"), choices=_choices(*rules.CERTAINTIES.items()), default="provisional", validate_choice=False
    )
    no_diagnosis_reason = Text(_l("Reason for no diagnosis"), longest=500)
    rx = Text(_l("Medicine"), longest=255)
    rx_choice = HiddenField()
    rx_line = RecordIdField()
    rx_version = RecordIdField()
    rx_asked = HiddenField()
    rx_dose = Text(_l("Dose (short form)"), longest=120)
    rx_amount = Text(_l("Dose"), longest=20)
    rx_unit = SelectField(
        _l("Unit"),
        choices=_choices(("", _l("As usual")), *((unit, COUNTED.get(unit, unit)) for unit in (*MEASURED, *COUNTED))),
        validate_choice=False,
    )
    rx_route = SelectField(_l("Route"), choices=_choices(("", _l("As usual")), *ROUTES.items()), validate_choice=False)
    rx_frequency = SelectField(
        _l("Frequency"),
        choices=_choices(("", _l("Choose")), *((code, words) for code, (_n, words) in FREQUENCIES.items() if code)),
        validate_choice=False,
    )
    rx_as_needed = SelectField(
        _l("When to take it"),
        choices=_choices((REGULARLY, _l("Regularly")), (WHEN_REQUIRED, _l("When required"))),
        validate_choice=False,
    )
    rx_days = Text(_l("Duration"), longest=20)
    rx_most = Text(_l("Maximum in 24 hours"), longest=20)
    rx_quantity = WholeField(_l("Supply"))
    rx_instructions = Text(_l("Instructions"), longest=500)
    rx_indication = Text(_l("Given for"), longest=200)
    why = ReasonBoxes(_l("Why is it given all the same?"))
    test = Text(_l("Test"), longest=255)
    test_code = HiddenField()
    test_urgent = RadioField(
        _l("Urgency"),
        choices=_choices(("", _l("Routine")), ("yes", _l("Urgent"))),
        default="",
        validate_choice=False,
    )
    plan = LongText(_l("Plan"), longest=10_000)
    follow_up_on = ParsedField(
        _l("Follow-up date"),
        parse=lambda text: parse_upcoming_date(text, clock.today(), "follow_up_on"),
        show=format_date,
    )
    birth_year = Text(_l("Year of birth"), longest=10)

    TEXTS = ("chief_complaint", "notes", "no_diagnosis_reason", "plan")
    DX = ("dx", "dx_code", "dx_certainty")
    DOSE = ("rx_dose", "rx_amount", "rx_unit", "rx_route", "rx_frequency", "rx_as_needed", "rx_days", "rx_most")
    SUPPLY = ("rx_quantity", "rx_instructions", "rx_indication")
    RX = ("rx", "rx_choice", "rx_line", "rx_version", *DOSE, *SUPPLY, "rx_asked")
    TEST = ("test", "test_code", "test_urgent")
    PENDING = (*DX, *RX, *TEST, "why")
    left_out: Sequence[Sentence] = ()
    """Why records were not copied, for messages on the next page."""

    BLAMED = {
        **{"medication_name": "rx", "medication": "rx", "dose": "rx_dose", "dosage": "rx_dose"},
        **{"amount": "rx_amount", "unit": "rx_unit", "route": "rx_route", "frequency": "rx_frequency"},
        **{"max_per_day": "rx_most", "days": "rx_days", "duration": "rx_days"},
        **{"quantity": "rx_quantity", "instructions": "rx_instructions", "indication": "rx_indication"},
        **{"override_reason": "why", "test": "test", "diagnoses": "dx", "code": "dx", "text": "dx", "diagnosis": "dx"},
    }

    def shown(self, name: str) -> str:
        """The text in a field as it was typed, also when it could not be parsed."""
        field = self[name]
        return field._value() if hasattr(field, "_value") else field.data or ""

    @property
    def sentence_id(self) -> int | None:
        """The id of the chosen usual dose."""
        return self._chosen("s:")

    @property
    def medication_id(self) -> int | None:
        """The id of the medicine that was chosen to enter another dose."""
        return self._chosen("m:")

    def _chosen(self, kind: str) -> int | None:
        choice = self.rx_choice.data or ""
        return parse_record_id(choice.removeprefix(kind)) if choice.startswith(kind) else None


class VitalsForm(ActionForm):
    """One set of vital signs, as typed."""

    temperature = Text(_l("Temperature"), longest=20)
    blood_pressure = Text(_l("Blood pressure"), longest=20)
    pulse = Text(_l("Pulse"), longest=20)
    respiratory_rate = Text(_l("Respiratory rate"), longest=20)
    oxygen_saturation = Text(_l("SpO₂"), longest=20)
    on_oxygen = SelectField(
        _l("Breathing"),
        choices=_choices(("", _l("Not recorded")), ("no", _l("Air")), ("yes", _l("Oxygen"))),
        validate_choice=False,
    )
    consciousness = SelectField(
        _l("Consciousness"),
        choices=_choices(("", _l("Not recorded")), *news2.CONSCIOUSNESS.items()),
        validate_choice=False,
    )
    weight = Text(_l("Weight"), longest=20)
    height = Text(_l("Height"), longest=20)
    pain = Text(_l("Pain, 0 to 10"), longest=20)
    glucose = Text(_l("Blood glucose"), longest=20)
    is_pregnant = SelectField(
        _l("Pregnant"),
        choices=_choices(("", _l("Not recorded")), ("no", _l("No")), ("yes", _l("Yes"))),
        validate_choice=False,
    )
    note = Text(_l("Note"), longest=500)
    reason = Text(_l("Reason for correction"), longest=500)
    is_confirmed = BooleanField(_l("I have checked these values and they are correct"))

    def values(self) -> dict[str, object]:
        """The typed values, without the reason; yes, no and not recorded become True, False and None."""
        answers = {"yes": True, "no": False}
        typed = super().values()
        typed.pop("reason")
        return typed | {name: answers.get(typed[name]) for name in ("on_oxygen", "is_pregnant")}


class SaturationForm(ActionForm):
    """The SpO₂ scale of a patient, with the reason."""

    scale = RadioField(
        _l("Scale"),
        choices=_choices(("1", _l("Scale 1 (usual)")), ("2", _l("Scale 2 (88–92%)"))),
        coerce=lambda text: int(text) if text in ("1", "2") else None,
        validate_choice=False,
    )
    reason = Text(_l("Reason"), longest=500)


class TriageForm(VitalsForm):
    """Vital signs of a waiting patient, with the priority in the queue and the call to the doctor."""

    priority = RadioField(
        _l("Priority"),
        choices=_choices(*((str(int(level)), words) for level, words in PRIORITY_LABELS.items())),
        validate_choice=False,
    )
    has_no_allergies = BooleanField(_l("No known allergies (asked)"))
    call_reason = SelectField(
        _l("Reason for calling the doctor"),
        choices=_choices(("", _l("Choose")), *CALL_REASONS.items()),
        validate_choice=False,
    )

    def values(self) -> dict[str, object]:
        """The values to save, without the reason for the call, which has its own action."""
        typed = super().values()
        typed.pop("call_reason")
        return typed


class HospitalTemplateForm(ActionForm):
    """A note template or an order set of the hospital."""

    version = WholeField()
    kind = RadioField(_l("For"), choices=_choices(*KINDS.items()), default=NOTE, validate_choice=False)
    title = Text(_l("Title"), [Required()], longest=100)
    shortcut = Text(_l("Shortcut"), [Required()], longest=21)
    content = LongText(_l("Text"), [Required()], longest=5000)

    @staticmethod
    def stored_values(template: NoteTemplate) -> dict[str, Any]:
        """A template as the fields of this form."""
        return {name: getattr(template, name) for name in ("kind", "title", "shortcut", "content", "version")}


class TemplateForm(HospitalTemplateForm):
    """A note template of a person or a department."""

    belongs_to = RadioField(_l("Owner"), choices=(), validate_choice=False)

    def offer(self, *, has_department: bool) -> None:
        """Offer the department as owner only to a person who has one."""
        scopes = (OWN, DEPARTMENT) if has_department else (OWN,)
        self.belongs_to.choices = [SelectChoice(name, SCOPES[name]) for name in scopes]


class ProblemForm(ActionForm):
    """A problem for the list of a patient."""

    text = Text(_l("Problem"), longest=255)
    code = HiddenField()
    certainty = RadioField(
        _l("Certainty"), choices=_choices(*rules.CERTAINTIES.items()), default="confirmed", validate_choice=False
    )
    onset = Text(_l("Since"), longest=40)


class ProblemEndForm(ActionForm):
    """The day on which a problem ended."""

    resolved_on = Text(_l("Resolved on"), longest=40)


class AddendumForm(ActionForm):
    text = LongText(_l("Addendum"), longest=20_000)


class OrderForm(ActionForm):
    """The prescriber's answer to a query, or the reason for stopping a medicine."""

    text = Text(_l("Answer, or reason for stopping"), longest=500, id="order_text")
