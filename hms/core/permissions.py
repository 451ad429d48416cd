"""Who may do what: every action of the hospital, and which built-in role is granted it by default.

The defaults below seed each role's stored grants; an administrator may change those, and `Person.may` reads the stored ones.
"""

from __future__ import annotations

from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from .text.translation import _


class Action(StrEnum):
    """One verb that a person may or may not do. Its value is the name in the audit trail and in the stored grants."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    # staff
    READ_STAFF = "staff.read"
    MANAGE_STAFF = "staff.manage"
    MANAGE_ROLES = "staff.manage_roles"
    REVIEW_ROLE_REQUESTS = "staff.review_role_requests"
    REQUEST_ROLE = "staff.request_role"
    # patients
    FIND_PATIENT = "patients.find"
    REGISTER_PATIENT = "patients.register"
    EDIT_PATIENT = "patients.edit"
    READ_CONTACT = "patients.read_contact"
    READ_ALLERGIES = "patients.read_allergies"
    RECORD_ALLERGY = "patients.record_allergy"
    WITHDRAW_PATIENT = "patients.withdraw"
    EXPORT_PATIENTS = "patients.export"
    RESTRICT_PATIENT = "patients.restrict"
    BREAK_GLASS = "patients.break_glass"
    REVIEW_ACCESS = "patients.review_access"
    READ_OWN_RECORD = "patients.read_own"
    # billing
    READ_BILL_STATUS = "billing.read_status"
    READ_BILL = "billing.read"
    EDIT_BILL = "billing.edit"
    ADD_CHARGE = "billing.add_charge"
    ISSUE_BILL = "billing.issue"
    TAKE_PAYMENT = "billing.take_payment"
    READ_PAYMENTS = "billing.read_payments"
    WITHDRAW_BILL = "billing.void"
    PROPOSE_CORRECTION = "billing.propose_correction"
    APPROVE_CORRECTION = "billing.approve_correction"
    WORK_TILL = "billing.work_till"
    MANAGE_PRICES = "billing.manage_prices"
    # appointments
    READ_APPOINTMENTS = "appointments.read"
    READ_VISIT_REASON = "appointments.read_reason"
    BOOK = "appointments.book"
    EDIT_APPOINTMENT = "appointments.edit"
    EDIT_ANY_APPOINTMENT = "appointments.edit_any"
    MOVE_APPOINTMENT = "appointments.move"
    BLOCK_TIME = "appointments.block_time"
    WITHDRAW_APPOINTMENT = "appointments.withdraw"
    CHECK_IN = "appointments.check_in"
    READ_QUEUE = "appointments.read_queue"
    CALL_PATIENT = "appointments.call"
    MANAGE_HOURS = "appointments.manage_hours"
    # formulary
    READ_FORMULARY = "formulary.read"
    READ_STOCK_LEVEL = "formulary.read_stock_level"
    MANAGE_FORMULARY = "formulary.manage"
    # clinical
    OPEN_CHART = "clinical.open_chart"
    LIST_ENCOUNTERS = "clinical.list_encounters"
    RECORD_VITALS = "clinical.record_vitals"
    WRITE_ENCOUNTER = "clinical.write_encounter"
    ADD_ADDENDUM = "clinical.add_addendum"
    PRESCRIBE = "clinical.prescribe"
    OVERRIDE_ALERT = "clinical.override_alert"
    LIST_PRESCRIPTIONS = "clinical.list_prescriptions"
    WITHDRAW_CLINICAL = "clinical.withdraw"
    MANAGE_TEMPLATES = "clinical.manage_templates"
    # lab
    ORDER_TEST = "lab.order"
    ENTER_RESULT = "lab.enter_result"
    # pharmacy
    READ_PRESCRIPTION = "pharmacy.read_prescription"
    DISPENSE = "pharmacy.dispense"
    READ_STOCK = "pharmacy.read_stock"
    RECEIVE_STOCK = "pharmacy.receive_stock"
    ADJUST_STOCK = "pharmacy.adjust_stock"
    # reports and administration
    READ_REPORTS = "reports.read"
    READ_REVENUE = "reports.read_revenue"
    READ_CLINICAL_FIGURES = "reports.read_clinical_figures"
    READ_AUDIT = "admin.read_audit"
    READ_SIGN_INS = "admin.read_sign_ins"
    READ_SETTINGS = "admin.read_settings"
    MANAGE_SETTINGS = "admin.manage_settings"
    ADMINISTER = "admin.administer"
    IMPORT_RECORDS = "interop.import"
    SYNC_OFFLINE = "interop.sync_offline"


class Role(StrEnum):
    """The built-in roles by their stable codes; `NAMES` has the names they are stored with, `LABELS` the same for readers."""

    ADMIN = "admin"
    DOCTOR = "doctor"
    NURSE = "nurse"
    RECEPTIONIST = "receptionist"
    PHARMACIST = "pharmacist"
    CASHIER = "cashier"
    LAB = "lab"
    PATIENT = "patient"


NAMES: dict[Role, str] = {
    Role.ADMIN: _("Admin"),
    Role.DOCTOR: _("Doctor"),
    Role.NURSE: _("Nurse"),
    Role.RECEPTIONIST: _("Receptionist"),
    Role.PHARMACIST: _("Pharmacist"),
    Role.CASHIER: _("Cashier"),
    Role.LAB: _("Lab"),
    Role.PATIENT: _("Patient"),
}
LABELS: dict[str, LazyString] = {
    Role.ADMIN: _l("Admin"),
    Role.DOCTOR: _l("Doctor"),
    Role.NURSE: _l("Nurse"),
    Role.RECEPTIONIST: _l("Receptionist"),
    Role.PHARMACIST: _l("Pharmacist"),
    Role.CASHIER: _l("Cashier"),
    Role.LAB: _l("Lab"),
    Role.PATIENT: _l("Patient"),
}


def role_label(code: str | None, name: str | None) -> str | LazyString:
    """What people read for a role: a built-in one in their language, one of the hospital's own as its name was typed."""
    return LABELS.get(code or "", name or "")


_EVERY_DESK = {
    Action.READ_STAFF,
    Action.REQUEST_ROLE,
    Action.FIND_PATIENT,
    Action.READ_APPOINTMENTS,
    Action.READ_QUEUE,
    Action.LIST_ENCOUNTERS,
    Action.LIST_PRESCRIPTIONS,
    Action.READ_FORMULARY,
    Action.READ_BILL_STATUS,
    Action.READ_REPORTS,
    Action.SYNC_OFFLINE,
}
_BOOKING = {Action.REGISTER_PATIENT, Action.EDIT_PATIENT, Action.READ_CONTACT, Action.BOOK, Action.READ_VISIT_REASON}
_CARE = {Action.OPEN_CHART, Action.READ_ALLERGIES, Action.RECORD_ALLERGY, Action.RECORD_VITALS, Action.ADD_ADDENDUM}
_MONEY = {
    Action.READ_BILL,
    Action.EDIT_BILL,
    Action.ADD_CHARGE,
    Action.ISSUE_BILL,
    Action.TAKE_PAYMENT,
    Action.READ_PAYMENTS,
    Action.WORK_TILL,
}

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMIN: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _MONEY
        | {
            Action.MANAGE_STAFF,
            Action.MANAGE_ROLES,
            Action.REVIEW_ROLE_REQUESTS,
            Action.OPEN_CHART,
            Action.READ_ALLERGIES,
            Action.WITHDRAW_PATIENT,
            Action.EXPORT_PATIENTS,
            Action.RESTRICT_PATIENT,
            Action.BREAK_GLASS,
            Action.REVIEW_ACCESS,
            Action.WITHDRAW_BILL,
            Action.PROPOSE_CORRECTION,
            Action.APPROVE_CORRECTION,
            Action.MANAGE_PRICES,
            Action.EDIT_APPOINTMENT,
            Action.EDIT_ANY_APPOINTMENT,
            Action.MOVE_APPOINTMENT,
            Action.BLOCK_TIME,
            Action.WITHDRAW_APPOINTMENT,
            Action.CHECK_IN,
            Action.MANAGE_HOURS,
            Action.READ_STOCK_LEVEL,
            Action.MANAGE_FORMULARY,
            Action.WITHDRAW_CLINICAL,
            Action.MANAGE_TEMPLATES,
            Action.READ_PRESCRIPTION,
            Action.READ_STOCK,
            Action.RECEIVE_STOCK,
            Action.ADJUST_STOCK,
            Action.READ_REVENUE,
            Action.READ_CLINICAL_FIGURES,
            Action.READ_AUDIT,
            Action.READ_SIGN_INS,
            Action.READ_SETTINGS,
            Action.MANAGE_SETTINGS,
            Action.ADMINISTER,
            Action.IMPORT_RECORDS,
        }
    ),
    Role.DOCTOR: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _CARE
        | {
            Action.RESTRICT_PATIENT,
            Action.BREAK_GLASS,
            Action.EDIT_APPOINTMENT,
            Action.MOVE_APPOINTMENT,
            Action.BLOCK_TIME,
            Action.CALL_PATIENT,
            Action.WRITE_ENCOUNTER,
            Action.PRESCRIBE,
            Action.OVERRIDE_ALERT,
            Action.ORDER_TEST,
            Action.ADD_CHARGE,
            Action.READ_PRESCRIPTION,
            Action.READ_STOCK_LEVEL,
            Action.READ_CLINICAL_FIGURES,
        }
    ),
    Role.NURSE: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _CARE
        | {
            Action.BREAK_GLASS,
            Action.EDIT_APPOINTMENT,
            Action.EDIT_ANY_APPOINTMENT,
            Action.CHECK_IN,
            Action.CALL_PATIENT,
            Action.READ_PRESCRIPTION,
            Action.READ_STOCK_LEVEL,
            Action.READ_CLINICAL_FIGURES,
        }
    ),
    Role.RECEPTIONIST: frozenset(
        _EVERY_DESK
        | _BOOKING
        | {
            Action.EDIT_APPOINTMENT,
            Action.EDIT_ANY_APPOINTMENT,
            Action.MOVE_APPOINTMENT,
            Action.CHECK_IN,
            Action.CALL_PATIENT,
            Action.READ_BILL,
            Action.EDIT_BILL,
            Action.ADD_CHARGE,
            Action.ISSUE_BILL,
            Action.TAKE_PAYMENT,
            Action.READ_PAYMENTS,
            Action.WORK_TILL,
        }
    ),
    Role.PHARMACIST: frozenset(
        _EVERY_DESK
        | {
            Action.READ_ALLERGIES,
            Action.BREAK_GLASS,
            Action.READ_PRESCRIPTION,
            Action.DISPENSE,
            Action.READ_STOCK,
            Action.READ_STOCK_LEVEL,
            Action.RECEIVE_STOCK,
            Action.ADJUST_STOCK,
            Action.ADD_CHARGE,
            Action.READ_CLINICAL_FIGURES,
        }
    ),
    Role.CASHIER: frozenset(
        _EVERY_DESK
        | _MONEY
        | {
            Action.PROPOSE_CORRECTION,
            Action.APPROVE_CORRECTION,
            Action.READ_CONTACT,
            Action.READ_STOCK_LEVEL,
            Action.READ_REVENUE,
        }
    ),
    Role.LAB: frozenset(_EVERY_DESK | {Action.ENTER_RESULT}),
    Role.PATIENT: frozenset({Action.READ_OWN_RECORD}),
}

# What an account without a role may do: ask for one.
WITHOUT_ROLE = frozenset({Action.REQUEST_ROLE})
