"""The trail in plain words: what was done, to what."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from hms.core import mass_reading
from hms.core.words import _

from .deeds import ACTIONS

ENTITIES = {
    "absence": _("Absence"),
    "addendum": _("Addendum"),
    "allergy": _("Allergy"),
    "app_user": _("Account"),
    "appointment": _("Appointment"),
    "batch": _("Batch"),
    "bill": _("Bill"),
    "bill_line": _("Bill line"),
    "break_glass": _("Emergency access"),
    "cash_shift": _("Cash shift"),
    "condition": _("Diagnosis"),
    "department": _("Department"),
    "dispense": _("Dispensed medicine"),
    "dose_sentence": _("Usual dose"),
    "encounter": _("Encounter"),
    "goods_receipt": _("Delivery"),
    "immunization": _("Immunisation"),
    "lab_order": _("Test"),
    "lab_result": _("Test result"),
    "medication": _("Medicine"),
    "note_template": _("Note template"),
    "notification": _("Message"),
    "observation": _("Measurement"),
    "patient": _("Patient"),
    "payment": _("Payment"),
    "prescription": _("Prescription"),
    "price_item": _("Price"),
    "queue_entry": _("Queue entry"),
    "role": _("Role"),
    "role_change_request": _("Role request"),
    "stock_movement": _("Stock movement"),
    "supplier": _("Supplier"),
    "system_setting": _("Setting"),
    "user_session": _("Session"),
    "vitals_reading": _("Vital signs"),
    "working_hours": _("Clinic hours"),
}

DEEDS = {
    "insert": _("Added"),
    "update": _("Changed"),
    "delete": _("Removed"),
    "denied": _("Refused"),
    "read": _("Opened"),
}
PURPOSES = {"BTG": _("Emergency access with a reason")}


def deed(old: dict | None, new: dict | None, outcome: str, action: str) -> str:
    """The kind of an entry: added, changed, removed, opened or refused."""
    if outcome == "denied":
        return DEEDS["denied"]
    if is_read(action):
        return DEEDS["read"]
    if old and not new:
        return DEEDS["delete"]
    return DEEDS["update"] if old else DEEDS["insert"]


def is_read(action: str) -> bool:
    """Whether the action looked at something without changing it."""
    if action in ("clinical.open_chart", "break_glass.open"):
        return True
    return ".read" in action and action != mass_reading.ALARM


def action_words(action: str) -> str:
    """What the action is called: "Took a payment"."""
    known = ACTIONS.get(action)
    return gettext(known) if known else action.rpartition(".")[2].replace("_", " ").capitalize()


def said(row: Any) -> str:
    """What an entry tells: the words of its action."""
    return action_words(row.action)


def thing(row: Any) -> str:
    """The record an entry is about: "Encounter 88121"."""
    kind = gettext(ENTITIES[row.entity]) if row.entity in ENTITIES else (row.entity or "")
    return f"{kind} {row.entity_id}" if row.entity_id else kind


KINDS = {
    "looked": _("Looked at a record"),
    "emergency": _("Emergency access"),
    "signed_in": _("Signed in, tried to, or signed out"),
}
"""Kinds of entries that may be asked for beside single actions."""
LOOKED = tuple(name for name in ACTIONS if is_read(name) and name != "break_glass.open")
SIGN_INS = tuple(name for name in ACTIONS if name.startswith(("staff.sign_in.", "staff.sign_out")))


def choices_of_actions() -> list[tuple[str, str]]:
    """What may be asked for under "Did": kinds first, then single actions by their words."""
    kinds = [(f":{name}", gettext(said)) for name, said in KINDS.items()]
    named: dict[str, str] = {}
    for name, said in ACTIONS.items():
        named.setdefault(gettext(said), name)
    return [("", gettext("anything")), *kinds, *((name, said) for said, name in sorted(named.items()))]


def asked_actions(chosen: str) -> tuple[tuple[str, ...] | None, bool]:
    """The actions behind a choice (None: any), and whether emergency accesses alone are wanted."""
    if chosen == ":emergency":
        return None, True
    if chosen == ":looked":
        return LOOKED, False
    if chosen == ":signed_in":
        return SIGN_INS, False
    if not chosen:
        return None, False
    said = ACTIONS.get(chosen)
    return tuple(name for name in ACTIONS if ACTIONS[name] == said) if said else (chosen,), False


def choices_of_records() -> list[tuple[str, str]]:
    """The kinds of record by their words."""
    return [
        ("", gettext("any")),
        *sorted(((name, gettext(said)) for name, said in ENTITIES.items()), key=lambda p: p[1]),
    ]
