"""Permissions, built-in roles, and which role has which permission by default.

The defaults are the first content of each role's stored grants. An administrator may change the stored grants, and
`Person.may` reads those.
"""

from __future__ import annotations

from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from .text.translation import N_


class Permission(StrEnum):
    """What a person may or may not do. Its value is the name in the audit trail and in the stored grants."""

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
    RECORD_DEATH = "patients.record_death"
    MANAGE_CONSENT_TEXTS = "patients.manage_consent_texts"
    WITHDRAW_PATIENT = "patients.withdraw"
    PROPOSE_MERGE = "patients.propose_merge"
    APPROVE_MERGE = "patients.approve_merge"
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
    EXPORT_BILLS = "billing.export"
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
    SERVE_POINT = "appointments.serve_point"
    MANAGE_HOURS = "appointments.manage_hours"
    MANAGE_HOLIDAYS = "appointments.manage_holidays"
    OVERBOOK = "appointments.overbook"
    IMPORT_APPOINTMENTS = "appointments.import"
    # messages to patients
    READ_MESSAGES = "messages.read"
    SEND_MESSAGES = "messages.send"
    MANAGE_MESSAGE_TEXTS = "messages.manage_texts"
    # formulary
    READ_FORMULARY = "formulary.read"
    READ_STOCK_LEVEL = "formulary.read_stock_level"
    MANAGE_FORMULARY = "formulary.manage"
    READ_RULES = "formulary.read_rules"
    CHANGE_RULES = "formulary.change_rules"
    # clinical
    OPEN_CHART = "clinical.open_chart"
    LIST_ENCOUNTERS = "clinical.list_encounters"
    RECORD_VITALS = "clinical.record_vitals"
    WRITE_ENCOUNTER = "clinical.write_encounter"
    ADD_ADDENDUM = "clinical.add_addendum"
    KEEP_PROBLEMS = "clinical.keep_problems"
    PRESCRIBE = "clinical.prescribe"
    OVERRIDE_ALERT = "clinical.override_alert"
    LIST_PRESCRIPTIONS = "clinical.list_prescriptions"
    WITHDRAW_CLINICAL = "clinical.withdraw"
    MANAGE_TEMPLATES = "clinical.manage_templates"
    # critical values
    READ_ESCALATIONS = "escalations.read"
    ACKNOWLEDGE_ESCALATION = "escalations.acknowledge"
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
    """The built-in roles by their codes. `ROLE_NAMES` has the stored English names, `LABELS` the translated ones."""

    ADMIN = "admin"
    DOCTOR = "doctor"
    NURSE = "nurse"
    RECEPTIONIST = "receptionist"
    PHARMACIST = "pharmacist"
    CASHIER = "cashier"
    LAB = "lab"
    PATIENT = "patient"


ROLE_NAMES: dict[Role, str] = {
    Role.ADMIN: N_("Admin"),
    Role.DOCTOR: N_("Doctor"),
    Role.NURSE: N_("Nurse"),
    Role.RECEPTIONIST: N_("Receptionist"),
    Role.PHARMACIST: N_("Pharmacist"),
    Role.CASHIER: N_("Cashier"),
    Role.LAB: N_("Lab"),
    Role.PATIENT: N_("Patient"),
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
    """The name of a role for the screen: translated for a built-in role, as typed for one of the hospital's own roles."""
    return LABELS.get(code or "", name or "")


_EVERY_DESK = {
    Permission.READ_STAFF,
    Permission.REQUEST_ROLE,
    Permission.FIND_PATIENT,
    Permission.READ_APPOINTMENTS,
    Permission.READ_QUEUE,
    Permission.LIST_ENCOUNTERS,
    Permission.LIST_PRESCRIPTIONS,
    Permission.READ_FORMULARY,
    Permission.READ_BILL_STATUS,
    Permission.READ_REPORTS,
    Permission.SYNC_OFFLINE,
}
_BOOKING = {
    Permission.REGISTER_PATIENT,
    Permission.EDIT_PATIENT,
    Permission.PROPOSE_MERGE,
    Permission.READ_CONTACT,
    Permission.BOOK,
    Permission.READ_VISIT_REASON,
}
_CARE = {
    Permission.OPEN_CHART,
    Permission.READ_ALLERGIES,
    Permission.RECORD_ALLERGY,
    Permission.RECORD_VITALS,
    Permission.ADD_ADDENDUM,
    Permission.READ_ESCALATIONS,
    Permission.ACKNOWLEDGE_ESCALATION,
}
_MONEY = {
    Permission.READ_BILL,
    Permission.EDIT_BILL,
    Permission.ADD_CHARGE,
    Permission.ISSUE_BILL,
    Permission.TAKE_PAYMENT,
    Permission.READ_PAYMENTS,
    Permission.WORK_TILL,
}

DEFAULT_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _MONEY
        | {
            Permission.MANAGE_STAFF,
            Permission.MANAGE_ROLES,
            Permission.REVIEW_ROLE_REQUESTS,
            Permission.OPEN_CHART,
            Permission.READ_ESCALATIONS,
            Permission.READ_ALLERGIES,
            Permission.RECORD_DEATH,
            Permission.MANAGE_CONSENT_TEXTS,
            Permission.WITHDRAW_PATIENT,
            Permission.APPROVE_MERGE,
            Permission.EXPORT_PATIENTS,
            Permission.EXPORT_BILLS,
            Permission.RESTRICT_PATIENT,
            Permission.BREAK_GLASS,
            Permission.REVIEW_ACCESS,
            Permission.WITHDRAW_BILL,
            Permission.PROPOSE_CORRECTION,
            Permission.APPROVE_CORRECTION,
            Permission.MANAGE_PRICES,
            Permission.EDIT_APPOINTMENT,
            Permission.EDIT_ANY_APPOINTMENT,
            Permission.MOVE_APPOINTMENT,
            Permission.BLOCK_TIME,
            Permission.WITHDRAW_APPOINTMENT,
            Permission.CHECK_IN,
            Permission.MANAGE_HOURS,
            Permission.MANAGE_HOLIDAYS,
            Permission.OVERBOOK,
            Permission.IMPORT_APPOINTMENTS,
            Permission.READ_MESSAGES,
            Permission.SEND_MESSAGES,
            Permission.MANAGE_MESSAGE_TEXTS,
            Permission.READ_STOCK_LEVEL,
            Permission.MANAGE_FORMULARY,
            Permission.READ_RULES,
            Permission.WITHDRAW_CLINICAL,
            Permission.MANAGE_TEMPLATES,
            Permission.READ_PRESCRIPTION,
            Permission.READ_STOCK,
            Permission.RECEIVE_STOCK,
            Permission.ADJUST_STOCK,
            Permission.READ_REVENUE,
            Permission.READ_CLINICAL_FIGURES,
            Permission.READ_AUDIT,
            Permission.READ_SIGN_INS,
            Permission.READ_SETTINGS,
            Permission.MANAGE_SETTINGS,
            Permission.ADMINISTER,
            Permission.IMPORT_RECORDS,
        }
    ),
    Role.DOCTOR: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _CARE
        | {
            Permission.RECORD_DEATH,
            Permission.RESTRICT_PATIENT,
            Permission.BREAK_GLASS,
            Permission.EDIT_APPOINTMENT,
            Permission.MOVE_APPOINTMENT,
            Permission.OVERBOOK,
            Permission.BLOCK_TIME,
            Permission.CALL_PATIENT,
            Permission.SERVE_POINT,
            Permission.WRITE_ENCOUNTER,
            Permission.KEEP_PROBLEMS,
            Permission.PRESCRIBE,
            Permission.READ_RULES,
            Permission.OVERRIDE_ALERT,
            Permission.ORDER_TEST,
            Permission.ADD_CHARGE,
            Permission.READ_PRESCRIPTION,
            Permission.READ_STOCK_LEVEL,
            Permission.READ_CLINICAL_FIGURES,
        }
    ),
    Role.NURSE: frozenset(
        _EVERY_DESK
        | _BOOKING
        | _CARE
        | {
            Permission.BREAK_GLASS,
            Permission.EDIT_APPOINTMENT,
            Permission.EDIT_ANY_APPOINTMENT,
            Permission.CHECK_IN,
            Permission.CALL_PATIENT,
            Permission.SERVE_POINT,
            Permission.READ_PRESCRIPTION,
            Permission.READ_STOCK_LEVEL,
            Permission.READ_CLINICAL_FIGURES,
        }
    ),
    Role.RECEPTIONIST: frozenset(
        _EVERY_DESK
        | _BOOKING
        | {
            Permission.EDIT_APPOINTMENT,
            Permission.EDIT_ANY_APPOINTMENT,
            Permission.MOVE_APPOINTMENT,
            Permission.BLOCK_TIME,
            Permission.MANAGE_HOLIDAYS,
            Permission.OVERBOOK,
            Permission.IMPORT_APPOINTMENTS,
            Permission.CHECK_IN,
            Permission.CALL_PATIENT,
            Permission.SERVE_POINT,
            Permission.READ_MESSAGES,
            Permission.SEND_MESSAGES,
            Permission.READ_BILL,
            Permission.EDIT_BILL,
            Permission.ADD_CHARGE,
            Permission.ISSUE_BILL,
            Permission.TAKE_PAYMENT,
            Permission.READ_PAYMENTS,
            Permission.WORK_TILL,
        }
    ),
    Role.PHARMACIST: frozenset(
        _EVERY_DESK
        | {
            Permission.SERVE_POINT,
            Permission.READ_ALLERGIES,
            Permission.BREAK_GLASS,
            Permission.READ_PRESCRIPTION,
            Permission.DISPENSE,
            Permission.READ_RULES,
            Permission.CHANGE_RULES,
            Permission.READ_STOCK,
            Permission.READ_STOCK_LEVEL,
            Permission.RECEIVE_STOCK,
            Permission.ADJUST_STOCK,
            Permission.ADD_CHARGE,
            Permission.READ_CLINICAL_FIGURES,
        }
    ),
    Role.CASHIER: frozenset(
        _EVERY_DESK
        | _MONEY
        | {
            Permission.SERVE_POINT,
            Permission.EXPORT_BILLS,
            Permission.PROPOSE_CORRECTION,
            Permission.APPROVE_CORRECTION,
            Permission.READ_CONTACT,
            Permission.READ_STOCK_LEVEL,
            Permission.READ_REVENUE,
        }
    ),
    Role.LAB: frozenset(_EVERY_DESK | {Permission.SERVE_POINT, Permission.ENTER_RESULT, Permission.READ_ESCALATIONS}),
    Role.PATIENT: frozenset({Permission.READ_OWN_RECORD}),
}

GRANTS_WITHOUT_ROLE = frozenset({Permission.REQUEST_ROLE})
"""The permissions of an account that has no role."""
