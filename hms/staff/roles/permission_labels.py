"""The label of each permission, and the groups in which the permission matrix shows them."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from hms.core.permissions import Permission

PERMISSION_LABELS: dict[Permission, str] = {
    Permission.READ_STAFF: _l("See colleagues and their roles"),
    Permission.REQUEST_ROLE: _l("Request another role"),
    Permission.MANAGE_STAFF: _l("Manage people: add, correct, close and unlock accounts"),
    Permission.MANAGE_ROLES: _l("Manage roles and their permissions"),
    Permission.REVIEW_ROLE_REQUESTS: _l("Give roles and decide role requests"),
    Permission.FIND_PATIENT: _l("Find patients"),
    Permission.REGISTER_PATIENT: _l("Register patients"),
    Permission.EDIT_PATIENT: _l("Correct patients' details"),
    Permission.READ_CONTACT: _l("See patients' phones and addresses"),
    Permission.READ_ALLERGIES: _l("See allergies"),
    Permission.RECORD_ALLERGY: _l("Record allergies"),
    Permission.PROPOSE_MERGE: _l("Request that two records of one patient are merged, or separated again"),
    Permission.APPROVE_MERGE: _l("Approve the merge or separation of records that another person requested"),
    Permission.RECORD_DEATH: _l("Record a patient's death, correct it or take it back"),
    Permission.MANAGE_CONSENT_TEXTS: _l("Write the texts that patients consent to"),
    Permission.WITHDRAW_PATIENT: _l("Withdraw a patient registered by mistake"),
    Permission.EXPORT_PATIENTS: _l("Export lists of patients"),
    Permission.EXPORT_BILLS: _l("Export lists of bills and payments"),
    Permission.RESTRICT_PATIENT: _l("Restrict a patient's record"),
    Permission.BREAK_GLASS: _l("Open a restricted record with a reason"),
    Permission.REVIEW_ACCESS: _l("Review who opened restricted records"),
    Permission.READ_OWN_RECORD: _l("Read their own record as a patient"),
    Permission.READ_APPOINTMENTS: _l("See appointments"),
    Permission.READ_VISIT_REASON: _l("See the reason for the visit"),
    Permission.BOOK: _l("Book appointments"),
    Permission.EDIT_APPOINTMENT: _l("Change own appointments"),
    Permission.EDIT_ANY_APPOINTMENT: _l("Change appointments of everyone"),
    Permission.MOVE_APPOINTMENT: _l("Move appointments to another time"),
    Permission.BLOCK_TIME: _l("Record that a doctor is away, and move or cancel the appointments"),
    Permission.WITHDRAW_APPOINTMENT: _l("Withdraw an appointment made by mistake"),
    Permission.CHECK_IN: _l("Check patients in"),
    Permission.READ_QUEUE: _l("See the queue"),
    Permission.CALL_PATIENT: _l("Call patients from the queue"),
    Permission.SERVE_POINT: _l("Call patients to a service point, such as the laboratory"),
    Permission.MANAGE_HOURS: _l("Set doctors' clinic hours and visit types"),
    Permission.OVERBOOK: _l("Book more patients than there are places, where clinic hours allow it"),
    Permission.IMPORT_APPOINTMENTS: _l("Import lists of appointments"),
    Permission.MANAGE_HOLIDAYS: _l("Set the hospital's holidays"),
    Permission.READ_MESSAGES: _l("See messages to patients"),
    Permission.SEND_MESSAGES: _l("Send messages to patients again"),
    Permission.MANAGE_MESSAGE_TEXTS: _l("Change the texts of messages to patients"),
    Permission.OPEN_CHART: _l("See clinical notes"),
    Permission.LIST_ENCOUNTERS: _l("See that a visit took place"),
    Permission.RECORD_VITALS: _l("Record vitals"),
    Permission.WRITE_ENCOUNTER: _l("Write and sign clinical notes"),
    Permission.KEEP_PROBLEMS: _l("Keep the problem list"),
    Permission.ADD_ADDENDUM: _l("Add addenda to signed notes"),
    Permission.PRESCRIBE: _l("Prescribe"),
    Permission.OVERRIDE_ALERT: _l("Prescribe despite a safety alert, with a reason"),
    Permission.LIST_PRESCRIPTIONS: _l("See that something was prescribed"),
    Permission.WITHDRAW_CLINICAL: _l("Mark clinical entries as entered in error"),
    Permission.MANAGE_TEMPLATES: _l("Change hospital note templates"),
    Permission.READ_ESCALATIONS: _l("See critical values and who acknowledged them"),
    Permission.ACKNOWLEDGE_ESCALATION: _l("Acknowledge critical values"),
    Permission.ORDER_TEST: _l("Order tests"),
    Permission.ENTER_RESULT: _l("Enter test results"),
    Permission.READ_FORMULARY: _l("See the medicine list"),
    Permission.READ_STOCK_LEVEL: _l("See how much is in stock"),
    Permission.MANAGE_FORMULARY: _l("Manage the medicine list"),
    Permission.READ_RULES: _l("See the safety rules of medicines"),
    Permission.CHANGE_RULES: _l("Propose changes of safety rules, and decide those of others"),
    Permission.READ_PRESCRIPTION: _l("See what was prescribed"),
    Permission.DISPENSE: _l("Dispense medicines"),
    Permission.READ_STOCK: _l("See stock by batch"),
    Permission.RECEIVE_STOCK: _l("Receive goods"),
    Permission.ADJUST_STOCK: _l("Correct stock with a reason"),
    Permission.READ_BILL_STATUS: _l("See whether a bill is paid"),
    Permission.READ_BILL: _l("See bills"),
    Permission.EDIT_BILL: _l("Create and change bills"),
    Permission.ADD_CHARGE: _l("Add charges"),
    Permission.ISSUE_BILL: _l("Issue bills and print invoices"),
    Permission.TAKE_PAYMENT: _l("Take payments"),
    Permission.READ_PAYMENTS: _l("See payments"),
    Permission.WITHDRAW_BILL: _l("Void bills"),
    Permission.PROPOSE_CORRECTION: _l("Request refunds, voids, write-offs and large discounts"),
    Permission.APPROVE_CORRECTION: _l("Approve requests for refunds, voids, write-offs and large discounts"),
    Permission.WORK_TILL: _l("Open and close a till"),
    Permission.MANAGE_PRICES: _l("Set prices"),
    Permission.READ_REPORTS: _l("See reports"),
    Permission.READ_REVENUE: _l("See takings in reports"),
    Permission.READ_CLINICAL_FIGURES: _l("See clinical figures in reports"),
    Permission.READ_AUDIT: _l("Read the audit trail"),
    Permission.READ_SIGN_INS: _l("See everyone's sign-ins"),
    Permission.READ_SETTINGS: _l("See the hospital's settings"),
    Permission.MANAGE_SETTINGS: _l("Change the hospital's settings"),
    Permission.ADMINISTER: _l("Open the administration page"),
    Permission.IMPORT_RECORDS: _l("Import records of another system"),
    Permission.SYNC_OFFLINE: _l("Send offline entries"),
}

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_l("Patients"), ("patients",)),
    (_l("Appointments and queue"), ("appointments", "messages")),
    (_l("Care"), ("clinical", "escalations", "lab")),
    (_l("Medicines"), ("formulary", "pharmacy")),
    (_l("Money"), ("billing",)),
    (_l("Reports"), ("reports",)),
    (_l("People and access"), ("staff",)),
    (_l("Administration"), ("admin", "interop")),
)


def permission_label(name: str) -> str:
    """The label of a stored permission; the stored name when this version does not know it."""
    try:
        return PERMISSION_LABELS.get(Permission(name), name)
    except ValueError:
        return name


@dataclass(frozen=True)
class PermissionOption:
    """One row of the matrix."""

    name: str
    label: str


@dataclass(frozen=True)
class PermissionGroup:
    """The permissions of one part of the hospital, as one group of rows in the matrix."""

    key: str
    label: str
    permissions: list[PermissionOption]


def permission_groups() -> list[PermissionGroup]:
    """All permissions that can be granted, in groups; permissions of no group come last."""
    remaining = [action for action in Permission if action not in (Permission.PUBLIC, Permission.SIGNED_IN)]
    groups = []
    for label, desks in GROUPS:
        of_group = [action for action in remaining if action.value.partition(".")[0] in desks]
        remaining = [action for action in remaining if action not in of_group]
        groups.append(PermissionGroup(desks[0], label, _options(of_group)))
    return [*groups, PermissionGroup("other", _l("Other"), _options(remaining))] if remaining else groups


def _options(permissions: list[Permission]) -> list[PermissionOption]:
    return [PermissionOption(action.value, permission_label(action.value)) for action in permissions]
