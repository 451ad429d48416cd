"""Labels of audit entries: the action and the record."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from .action_labels import ACTION_LABELS

ENTITIES = {
    "absence": _l("Blocked time"),
    "addendum": _l("Addendum"),
    "address_area": _l("Area of addresses"),
    "allergy": _l("Allergy"),
    "app_user": _l("Account"),
    "appointment": _l("Appointment"),
    "appointment_series": _l("Recurring appointment"),
    "audit_entry": _l("Audit trail"),
    "batch": _l("Batch"),
    "bill": _l("Bill"),
    "bill_line": _l("Bill line"),
    "break_glass": _l("Emergency access"),
    "cash_shift": _l("Till"),
    "condition": _l("Diagnosis"),
    "consent": _l("Consent"),
    "consent_form": _l("Form of consent"),
    "consent_kind": _l("Kind of consent"),
    "consent_text": _l("Text of a consent"),
    "correction": _l("Correction request"),
    "credit_line": _l("Credited line of a bill"),
    "death": _l("Death"),
    "department": _l("Department"),
    "dispense": _l("Dispensed medicine"),
    "dose_sentence": _l("Standard dose"),
    "duplicate_pair": _l("Suspected duplicate"),
    "encounter": _l("Encounter"),
    "escalation": _l("Critical value"),
    "escalation_alert": _l("Alert of a critical value"),
    "escalation_step": _l("Step of a critical value"),
    "goods_receipt": _l("Goods receipt"),
    "holiday": _l("Holiday"),
    "immunization": _l("Immunisation"),
    "import_batch": _l("Import of a list"),
    "issued_document": _l("Document of a visit"),
    "lab_order": _l("Test"),
    "lab_result": _l("Test result"),
    "medication": _l("Medicine"),
    "message_preference": _l("Wishes about messages"),
    "message_text": _l("Text of a message"),
    "note_template": _l("Note template"),
    "notification": _l("Alert"),
    "observation": _l("Measurement"),
    "offline_entry": _l("Offline entry"),
    "one_time_link": _l("One-time link"),
    "other_phone": _l("Phone"),
    "outgoing_message": _l("Message by SMS or e-mail"),
    "patient": _l("Patient"),
    "patient_merge": _l("Merge of two records"),
    "payment": _l("Payment"),
    "point_entry": _l("Place in the line of a service point"),
    "prescription": _l("Prescription"),
    "price_item": _l("Price"),
    "queue_entry": _l("Queue entry"),
    "record_document": _l("Document of a patient"),
    "relative": _l("Next of kin"),
    "role": _l("Role"),
    "role_change_request": _l("Role request"),
    "rule_change": _l("Change of the safety rules"),
    "rule_change_line": _l("Line of a change of the safety rules"),
    "saturation_scale": _l("SpO₂ scale"),
    "service_point": _l("Service point"),
    "stock_movement": _l("Stock movement"),
    "supplier": _l("Supplier"),
    "system_setting": _l("Setting"),
    "user_session": _l("Session"),
    "visit_type": _l("Visit type"),
    "vitals_reading": _l("Vitals"),
    "waiting_list_entry": _l("Entry of the waiting list"),
    "wall_screen": _l("Wall screen"),
    "working_hours": _l("Clinic hours"),
}

CHANGE_KIND_LABELS = {
    "insert": _l("Added"),
    "update": _l("Changed"),
    "delete": _l("Removed"),
    "denied": _l("Refused"),
    "read": _l("Opened"),
}


def change_kind(old: dict | None, new: dict | None, outcome: str, action: str) -> str:
    """The kind of an entry: added, changed, removed, opened or refused."""
    if outcome == "denied":
        return CHANGE_KIND_LABELS["denied"]
    if is_read(action):
        return CHANGE_KIND_LABELS["read"]
    if old and not new:
        return CHANGE_KIND_LABELS["delete"]
    return CHANGE_KIND_LABELS["update"] if old else CHANGE_KIND_LABELS["insert"]


def is_read(action: str) -> bool:
    """Whether the action reads a record without changing it."""
    if action in ("clinical.open_chart", "break_glass.open"):
        return True
    return ".read" in action


def action_label(action: str) -> str:
    """The label of an action: "Took a payment"."""
    label = ACTION_LABELS.get(action)
    return str(label) if label else action.rpartition(".")[2].replace("_", " ").capitalize()


def record_label(row: Any) -> str:
    """The label of an entry's record: "Encounter 88121"."""
    kind = str(ENTITIES.get(row.entity, row.entity or ""))
    return f"{kind} {row.entity_id}" if row.entity_id else kind


ACTION_GROUPS = {
    "looked": _l("Opened a record"),
    "emergency": _l("Emergency access"),
    "signed_in": _l("Sign-ins and sign-outs"),
}
"""Groups of actions in the filter "Action"."""
READ_ACTIONS = tuple(name for name in ACTION_LABELS if is_read(name) and name != "break_glass.open")
SIGN_INS = tuple(name for name in ACTION_LABELS if name.startswith(("staff.sign_in.", "staff.sign_out")))


def action_choices() -> list[tuple[str, str]]:
    """The choices of the filter "Action": groups first, then single actions sorted by label."""
    groups = [(f":{name}", str(label)) for name, label in ACTION_GROUPS.items()]
    by_label: dict[str, str] = {}
    for name, label in ACTION_LABELS.items():
        by_label.setdefault(str(label), name)
    return [("", gettext("Any action")), *groups, *((name, label) for label, name in sorted(by_label.items()))]


def actions_for_choice(choice: str) -> tuple[tuple[str, ...] | None, bool]:
    """The actions of a choice (None: any), and whether only emergency accesses are wanted.

    A single action stands for all actions with the same label.
    """
    if choice == ":emergency":
        return None, True
    if choice == ":looked":
        return READ_ACTIONS, False
    if choice == ":signed_in":
        return SIGN_INS, False
    if not choice:
        return None, False
    label = ACTION_LABELS.get(choice)
    return tuple(name for name in ACTION_LABELS if ACTION_LABELS[name] == label) if label else (choice,), False


def record_choices() -> list[tuple[str, str]]:
    """The choices of the filter "Record", sorted by label."""
    kinds = ((name, str(label)) for name, label in ENTITIES.items())
    return [("", gettext("Any record")), *sorted(kinds, key=lambda kind: kind[1])]
