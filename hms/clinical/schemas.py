"""JSON of requests and responses: encounters, vital signs, diagnoses, addenda, prescriptions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text, WholeNumber

from .prescriptions.stored_checks import StoredChecks, describe_gaps, list_answered
from .vitals import readings, rules
from .vitals.plausibility import bmi


class MeasuredNumber(fields.Field):
    """A measured value, sent as a number or as text; passed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal, float, str)) or len(str(value)) > 20:
            raise ValidationError("A valid number is required.")
        return str(value)


class EncounterIn(ApiSchema):
    """The documented fields, and further texts that older programs send."""

    patient = Pk()
    patient_id = Pk()
    appointment = Pk(allow_none=True)
    appointment_id = Pk(allow_none=True)
    doctor = Pk(allow_none=True)
    doctor_id = Pk(allow_none=True)
    notes = Text(20_000, multiline=True)
    diagnosis = Text(10_000, multiline=True)
    chief_complaint = Text(1000, multiline=True)
    presenting_illness_history = Text(10_000, multiline=True)
    physical_examination = Text(10_000, multiline=True)
    treatment_plan = Text(10_000, multiline=True)
    no_diagnosis_reason = Text(500)


class EncounterOut(ApiSchema):
    id = fields.Integer()
    patient = fields.Integer()
    appointment = fields.Integer(allow_none=True)
    doctor = fields.Integer(allow_none=True)
    notes = fields.String()
    diagnosis = fields.String()
    status = fields.String()
    chief_complaint = fields.String()
    treatment_plan = fields.String()
    follow_up_on = fields.Date(allow_none=True)
    encounter_date = fields.DateTime(allow_none=True)
    signed_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class VitalsIn(ApiSchema):
    systolic_bp = MeasuredNumber(allow_none=True)
    diastolic_bp = MeasuredNumber(allow_none=True)
    blood_pressure = Text(20, allow_none=True)
    heart_rate = MeasuredNumber(allow_none=True)
    respiratory_rate = MeasuredNumber(allow_none=True)
    temperature = MeasuredNumber(allow_none=True)
    oxygen_saturation = MeasuredNumber(allow_none=True)
    height = MeasuredNumber(allow_none=True)
    weight = MeasuredNumber(allow_none=True)
    glucose = MeasuredNumber(allow_none=True)
    pain = MeasuredNumber(allow_none=True)
    on_oxygen = fields.Boolean(allow_none=True)
    is_pregnant = fields.Boolean(allow_none=True)
    consciousness = Text(20)
    note = Text(500, multiline=True)


class VitalsOut(VitalsIn):
    id = fields.Integer()
    encounter = fields.Integer()
    bmi = fields.Float(allow_none=True)
    recorded_at = fields.DateTime()


class SaturationIn(ApiSchema):
    """`scale` is 2 for a prescribed saturation of 88–92 %, 1 to go back to the usual scale."""

    scale = WholeNumber(1, 2, required=True)
    reason = Text(500, required=True)


class SaturationOut(ApiSchema):
    patient = fields.Integer()
    scale = fields.Integer()
    reason = fields.String()
    ordered_by = fields.Integer(allow_none=True)
    ordered_at = fields.DateTime(allow_none=True)


class ConditionIn(ApiSchema):
    code = Text(10)
    text = Text(255)
    certainty = Text(20)
    is_primary = fields.Boolean()


class ConditionOut(ApiSchema):
    id = fields.Integer()
    encounter = fields.Integer(allow_none=True)
    code = fields.String()
    code_system = fields.String()
    text = fields.String()
    certainty = fields.String()
    clinical_status = fields.String()
    is_primary = fields.Boolean()


class ProblemIn(ApiSchema):
    """A problem by its ICD-10 `code` or as `text`; `onset` is a day, a month ("2019-03") or a year."""

    code = Text(10)
    text = Text(255)
    certainty = Text(20)
    onset = Text(40)


class ProblemCertaintyIn(ApiSchema):
    """`certainty` is provisional or confirmed."""

    certainty = Text(20, required=True, blank=False)


class ProblemEndIn(ApiSchema):
    """`resolved_on` is a day; today when it is left out."""

    resolved_on = Text(40)


class ProblemOut(ApiSchema):
    """A problem on the list. `onset` is a day, a month or a year, as much as is known."""

    id = fields.Integer()
    patient = fields.Integer()
    code = fields.String()
    code_system = fields.String()
    text = fields.String()
    certainty = fields.String()
    clinical_status = fields.String()
    onset = fields.String(allow_none=True)
    resolved_on = fields.Date(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class AddendumIn(ApiSchema):
    text = Text(20_000, multiline=True, required=True, blank=False)


class AddendumOut(ApiSchema):
    id = fields.Integer()
    encounter = fields.Integer()
    author = fields.Integer()
    text = fields.String()
    created_at = fields.DateTime()


class ReasonIn(ApiSchema):
    """The reason of one finding: `key` names it in `questions`, of a prescription and of a refusal."""

    key = Text(20, required=True, blank=False)
    code = Text(50, required=True, blank=False)
    text = Text(500, multiline=True)


class PrescriptionIn(ApiSchema):
    """`medication` (a formulary id) or `medication_name`. `reasons` has a reason for each finding that needs one; the
    override fields give the reason of those without one of their own. `patient` is optional: it is the encounter's
    patient."""

    encounter = Pk()
    encounter_id = Pk()
    patient = Pk(allow_none=True)
    patient_id = Pk(allow_none=True)
    medication = Pk(allow_none=True)
    medication_name = Text(255)
    dosage = Text(100)
    frequency = Text(100)
    duration = Text(100)
    route = Text(30)
    instructions = Text(2000, multiline=True)
    indication = Text(200)
    quantity = WholeNumber(1, 100_000, allow_none=True)
    override_code = Text(50)
    override_reason = Text(500, multiline=True)
    reasons = fields.List(fields.Nested(ReasonIn))


class SignIn(ApiSchema):
    """`no_diagnosis_reason` is required when there is no diagnosis. `reasons` are those of the findings that need one and
    have none; the override fields give the reason of all others but serious alerts."""

    no_diagnosis_reason = Text(500)
    override_code = Text(50)
    override_reason = Text(500, multiline=True)
    reasons = fields.List(fields.Nested(ReasonIn))


class AlertOut(ApiSchema):
    """One finding of the safety checks; `tier` is stop, caution or info, `line` the key of its rule in `/api/safety-rules/`, ""
    when it comes from no list."""

    rule = fields.String()
    tier = fields.String()
    message = fields.String()
    line = fields.String()


class QuestionOut(ApiSchema):
    """A finding that needs a reason, with the reason; `kind` is stop, serious or not_checked."""

    key = fields.String()
    kind = fields.String()
    message = fields.String()
    code = fields.String()
    text = fields.String()


class PrescriptionOut(ApiSchema):
    """`could_not_check` says what the safety checks could not check, `looked_up` what they compared with the lists of
    `rules_version`, `not_checked` that for which the lists have no line: it is not known to be safe. While `needs_reason`
    is true, the encounter cannot be signed without a reason for each of its `questions`. `override_code` and
    `override_reason` are the first of their reasons."""

    id = fields.Integer()
    encounter = fields.Integer(allow_none=True)
    medication_name = fields.String()
    dosage = fields.String()
    frequency = fields.String()
    duration = fields.String()
    instructions = fields.String()
    indication = fields.String()
    status = fields.String()
    medication = fields.Integer(allow_none=True)
    patient = fields.Integer()
    quantity = fields.Integer(allow_none=True)
    quantity_dispensed = fields.Integer()
    override_code = fields.String()
    override_reason = fields.String()
    questions = fields.List(fields.Nested(QuestionOut))
    alerts = fields.List(fields.Nested(AlertOut))
    could_not_check = fields.List(fields.String())
    looked_up = fields.List(fields.String())
    not_checked = fields.List(fields.String())
    rules_version = fields.String()
    needs_reason = fields.Boolean()
    signed_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class AllergyQuestion(ApiSchema):
    patient_id = Pk()
    patient = Pk()
    medication_name = Text(255, required=True, blank=False)


class InteractionQuestion(ApiSchema):
    medications = fields.List(Text(255), required=True)


def encounter_json(row: Any, *, is_readable: bool | None = None) -> dict[str, Any]:
    """An encounter. Without clinical access only the ids and the time of entry.

    Pass `is_readable` when `row` is a record, which has no such column.
    """
    public_fields = {
        "id": row.id,
        "patient": row.patient_id,
        "appointment": row.appointment_id,
        "doctor": row.doctor_id,
    }
    if not (row.is_readable if is_readable is None else is_readable):
        return public_fields | {"created_at": row.created_at}
    return public_fields | {
        "notes": row.notes,
        "diagnosis": row.diagnosis,
        "status": row.status,
        "chief_complaint": row.chief_complaint,
        "treatment_plan": row.plan,
        "follow_up_on": row.follow_up_on,
        "encounter_date": row.started_at,
        "signed_at": row.signed_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def vitals_json(row: Any, birth_date: Any) -> dict[str, Any]:
    """A reading with the API's names; values are JSON numbers in the units of `vitals.csv`."""
    values = readings.values(row)
    bmi_value = bmi(values.get("weight"), values.get("height"), readings.age_years(birth_date))
    numbers = {
        vital.api_name: None if key not in values else _number(values[key], vital.decimals)
        for key, vital in rules.vitals().items()
    }
    return {
        "id": row.id,
        "encounter": row.encounter_id,
        **numbers,
        "bmi": None if bmi_value is None else float(bmi_value),
        "on_oxygen": row.on_oxygen,
        "consciousness": row.consciousness,
        "is_pregnant": row.is_pregnant,
        "note": row.note,
        "recorded_at": row.taken_at,
    }


def _number(value: Any, decimals: int) -> int | float:
    return float(value) if decimals else int(value)


def condition_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "encounter": row.encounter_id,
        "code": row.code,
        "code_system": row.code_system,
        "text": row.title,
        "certainty": row.certainty,
        "clinical_status": row.clinical_status,
        "is_primary": row.rank == 1,
    }


def problem_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "patient": row.patient_id,
        "code": row.code,
        "code_system": row.code_system,
        "text": row.title,
        "certainty": row.certainty,
        "clinical_status": row.clinical_status,
        "onset": row.onset_text or (row.onset_on.isoformat() if row.onset_on else None),
        "resolved_on": row.abated_on,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def addendum_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "encounter": row.encounter_id,
        "author": row.author_id,
        "text": row.text,
        "created_at": row.created_at,
    }


def prescription_json(row: Any, *, is_readable: bool | None = None) -> dict[str, Any]:
    """A prescription. Without access to medicines only the ids, the status and the time of entry.

    Pass `is_readable` when `row` is a record, which has no such column.
    """
    public_fields = {"id": row.id, "encounter": row.encounter_id}
    if not (row.is_readable if is_readable is None else is_readable):
        return public_fields | {"status": row.status, "created_at": row.created_at}
    texts = ("medication_name", "dosage", "frequency", "duration", "instructions", "indication", "status")
    amounts = ("quantity", "quantity_dispensed", "override_code", "override_reason")
    times = ("signed_at", "created_at", "updated_at")
    return (
        public_fields
        | {name: getattr(row, name) for name in texts}
        | {"medication": row.medication_id, "patient": row.patient_id}
        | {name: getattr(row, name) for name in (*amounts, *times)}
        | _checks_json(row)
    )


def _checks_json(row: Any) -> dict[str, Any]:
    checks, answers = StoredChecks.of(row.checks), list_answered(row)
    return {
        "alerts": [alert._asdict() for alert in checks.alerts],
        "could_not_check": describe_gaps(row),
        "looked_up": checks.looked_up,
        "not_checked": checks.unknown,
        "rules_version": checks.version,
        "questions": [answered._asdict() for answered in answers],
        "needs_reason": any(not answered.code for answered in answers),
    }
