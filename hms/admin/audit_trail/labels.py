"""The trail in plain words: what was done, to what."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from .action_labels import ACTION_LABELS

ENTITIES = {
    "absence": _l("Blocked time"),
    "addendum": _l("Addendum"),
    "allergy": _l("Allergy"),
    "app_user": _l("Account"),
    "appointment": _l("Appointment"),
    "batch": _l("Batch"),
    "bill": _l("Bill"),
    "bill_line": _l("Bill line"),
    "break_glass": _l("Emergency access"),
    "cash_shift": _l("Till"),
    "condition": _l("Diagnosis"),
    "department": _l("Department"),
    "dispense": _l("Dispensed medicine"),
    "dose_sentence": _l("Standard dose"),
    "encounter": _l("Encounter"),
    "goods_receipt": _l("Goods receipt"),
    "immunization": _l("Immunisation"),
    "lab_order": _l("Test"),
    "lab_result": _l("Test result"),
    "medication": _l("Medicine"),
    "note_template": _l("Note template"),
    "notification": _l("Alert"),
    "observation": _l("Measurement"),
    "patient": _l("Patient"),
    "payment": _l("Payment"),
    "prescription": _l("Prescription"),
    "price_item": _l("Price"),
    "queue_entry": _l("Queue entry"),
    "role": _l("Role"),
    "role_change_request": _l("Role request"),
    "stock_movement": _l("Stock movement"),
    "supplier": _l("Supplier"),
    "system_setting": _l("Setting"),
    "user_session": _l("Session"),
    "vitals_reading": _l("Vitals"),
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
    """Whether the action looked at something without changing it."""
    if action in ("clinical.open_chart", "break_glass.open"):
        return True
    return ".read" in action


def action_words(action: str) -> str:
    """What the action is called: "Took a payment"."""
    known = ACTION_LABELS.get(action)
    return str(known) if known else action.rpartition(".")[2].replace("_", " ").capitalize()


def said(row: Any) -> str:
    """What an entry tells: the words of its action."""
    return action_words(row.action)


def record_label(row: Any) -> str:
    """The record an entry is about: "Encounter 88121"."""
    kind = str(ENTITIES.get(row.entity, row.entity or ""))
    return f"{kind} {row.entity_id}" if row.entity_id else kind


KINDS = {
    "looked": _l("Opened a record"),
    "emergency": _l("Emergency access"),
    "signed_in": _l("Sign-ins and sign-outs"),
}
"""Kinds of entries that may be asked for beside single actions."""
READ_ACTIONS = tuple(name for name in ACTION_LABELS if is_read(name) and name != "break_glass.open")
SIGN_INS = tuple(name for name in ACTION_LABELS if name.startswith(("staff.sign_in.", "staff.sign_out")))


def action_choices() -> list[tuple[str, str]]:
    """What may be asked for under "Did": kinds first, then single actions by their words."""
    kinds = [(f":{name}", str(said)) for name, said in KINDS.items()]
    named: dict[str, str] = {}
    for name, said in ACTION_LABELS.items():
        named.setdefault(str(said), name)
    return [("", gettext("Any record")), *kinds, *((name, said) for said, name in sorted(named.items()))]


def actions_for_choice(chosen: str) -> tuple[tuple[str, ...] | None, bool]:
    """The actions behind a choice (None: any), and whether emergency accesses alone are wanted."""
    if chosen == ":emergency":
        return None, True
    if chosen == ":looked":
        return READ_ACTIONS, False
    if chosen == ":signed_in":
        return SIGN_INS, False
    if not chosen:
        return None, False
    said = ACTION_LABELS.get(chosen)
    return tuple(name for name in ACTION_LABELS if ACTION_LABELS[name] == said) if said else (chosen,), False


def record_choices() -> list[tuple[str, str]]:
    """The kinds of record by their words."""
    return [
        ("", gettext("any")),
        *sorted(((name, str(said)) for name, said in ENTITIES.items()), key=lambda p: p[1]),
    ]
