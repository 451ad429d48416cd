"""Settings of the hospital: typed, with a default, stored when changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .actions import action, afterwards
from .db import Record, db
from .errors import RuleBroken
from .permissions import Action
from .text import clean
from .words import _


@dataclass(frozen=True)
class Setting:
    """One setting: its key, default (whose type it keeps), name and explanation; `is_public` ones may be read by anybody."""

    key: str
    default: Any
    label: str
    category: str
    help: str = ""
    is_public: bool = False
    least: int | None = None
    most: int | None = None


SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting("hospital.name", "St Mary's Hospital", _("Hospital name"), _("Facility"), is_public=True),
        Setting("hospital.address", "12 Hill Road, Freetown", _("Address"), _("Facility"), is_public=True),
        Setting("hospital.phone", "022 123 456", _("Phone"), _("Facility"), is_public=True),
        Setting("hospital.logo", "", _("Address of the logo (a data: image)"), _("Facility"), is_public=True),
        Setting("hospital.tax_number", "", _("Tax number"), _("Facility"), is_public=True),
        Setting("patients.number_prefix", "HMS", _("Prefix of hospital numbers"), _("Facility")),
        Setting("staff.registration_open", False, _("People may ask for an account"), _("Security"), is_public=True),
        Setting("staff.idle_minutes", 15, _("Lock after idle minutes"), _("Security"), least=5, most=120),
        Setting("staff.session_hours", 12, _("Longest session in hours"), _("Security"), least=1, most=24),
        Setting(
            "staff.second_factor_roles",
            "",
            _("Roles that need a second factor"),
            _("Security"),
            help=_("Codes of roles with commas between them, for example: admin, pharmacist"),
        ),
        Setting(
            "clinical.admin_requires_break_glass",
            False,
            _("Administrators need break-glass for clinical text"),
            _("Security"),
        ),
        Setting("appointments.slot_minutes", 15, _("Length of a slot in minutes"), _("Queue"), least=5, most=120),
        Setting("queue.long_wait_minutes", 60, _("A wait is long after minutes"), _("Queue"), least=5, most=600),
        Setting("billing.consultation_item", "CONS-OPD", _("Price-list code charged at signing"), _("Billing")),
        Setting("billing.open_till_by_itself", True, _("The first payment opens a cashier's till"), _("Billing")),
        Setting(
            "billing.discount_limit_percent",
            10,
            _("Largest discount a cashier gives alone, percent"),
            _("Billing"),
            least=0,
            most=100,
        ),
        Setting(
            "billing.receipt_paper",
            "80",
            _("Width of the receipt paper in mm"),
            _("Billing"),
            help=_("80 or 58"),
        ),
        Setting("billing.amount_in_words", True, _("Print the amount in words on invoices"), _("Billing")),
        Setting(
            "billing.payment_instructions",
            "Please pay at the cashier's window and keep the receipt.",
            _("How to pay, as invoices say it"),
            _("Billing"),
        ),
        Setting("billing.receipt_footer", "Keep this receipt.", _("Last line of a receipt"), _("Billing")),
        Setting("pharmacy.near_expiry_days", 90, _("Near expiry means days"), _("Pharmacy"), least=1, most=720),
        Setting("clinical.show_diagnosis_on_bill", False, _("Print diagnosis codes on invoices"), _("Billing")),
    )
}


class SystemSetting(Record):
    """A setting that was changed from its default."""

    __tablename__ = "system_setting"

    key: Mapped[str] = mapped_column(unique=True)
    value: Mapped[Any] = mapped_column(JSONB)


FRESH_SECONDS = 5.0
_cache: tuple[float, dict[str, Any]] = (0.0, {})


def value(key: str) -> Any:
    """The setting's present value; a change reaches every process within five seconds."""
    global _cache
    if time.monotonic() - _cache[0] > FRESH_SECONDS:
        _cache = (time.monotonic(), dict(db.session.execute(select(SystemSetting.key, SystemSetting.value)).all()))
    return _cache[1].get(key, SETTINGS[key].default)


def forget() -> None:
    """Read the settings anew at the next use."""
    global _cache
    _cache = (0.0, {})


@action(Action.MANAGE_SETTINGS)
def change_setting(key: str, new: Any, *, by: Any) -> SystemSetting:
    """Set `key`; `RuleBroken` when it is unknown or `new` is of another type or out of range."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise RuleBroken(_("There is no such setting."), "key")
    row = db.session.scalars(select(SystemSetting).filter_by(key=key)).one_or_none() or SystemSetting(key=key)
    row.value = _typed(setting, new)
    db.session.add(row)
    db.session.flush()
    afterwards(forget)
    return row


def _typed(setting: Setting, new: Any) -> Any:
    if isinstance(setting.default, bool):
        return _flag(new)
    if isinstance(setting.default, int):
        return _whole(setting, new)
    try:
        return clean(str(new), longest=500)
    except ValueError as wrong:
        raise RuleBroken(str(wrong), "new") from wrong


def _flag(new: Any) -> bool:
    words = {True: True, False: False, "true": True, "false": False, "1": True, "0": False, "on": True, "": False}
    try:
        return words[new]
    except (KeyError, TypeError) as wrong:
        raise RuleBroken(_("Answer yes or no."), "new") from wrong


def _whole(setting: Setting, new: Any) -> int:
    text = str(new).strip()
    number = int(text) if text.isascii() and text.lstrip("-").isdigit() and len(text) < 10 else None
    low, high = setting.least or 0, setting.most or 1_000_000
    if number is None or not low <= number <= high:
        raise RuleBroken(f"Write a whole number from {low} to {high}.", "value")
    return number
