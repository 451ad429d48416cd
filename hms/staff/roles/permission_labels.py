"""What each permission allows, in plain words, grouped as the matrix of roles shows them."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from hms.core.permissions import Action

WORDS: dict[Action, str] = {
    Action.READ_STAFF: _l("See colleagues and their roles"),
    Action.REQUEST_ROLE: _l("Ask for another role"),
    Action.MANAGE_STAFF: _l("Manage people: add, correct, close and unlock accounts"),
    Action.MANAGE_ROLES: _l("Manage roles: decide what each role may do"),
    Action.REVIEW_ROLE_REQUESTS: _l("Give roles and answer requests for them"),
    Action.FIND_PATIENT: _l("Find patients"),
    Action.REGISTER_PATIENT: _l("Register patients"),
    Action.EDIT_PATIENT: _l("Correct patients' details"),
    Action.READ_CONTACT: _l("See patients' phones and addresses"),
    Action.READ_ALLERGIES: _l("See allergies"),
    Action.RECORD_ALLERGY: _l("Record allergies"),
    Action.WITHDRAW_PATIENT: _l("Withdraw a patient registered by mistake"),
    Action.EXPORT_PATIENTS: _l("Export lists of patients"),
    Action.RESTRICT_PATIENT: _l("Restrict a patient's record"),
    Action.BREAK_GLASS: _l("Open a restricted record with a reason"),
    Action.REVIEW_ACCESS: _l("Review who opened restricted records"),
    Action.READ_OWN_RECORD: _l("Read one's own record as a patient"),
    Action.READ_APPOINTMENTS: _l("See appointments"),
    Action.READ_VISIT_REASON: _l("See why a patient comes"),
    Action.BOOK: _l("Book appointments"),
    Action.EDIT_APPOINTMENT: _l("Change own appointments"),
    Action.EDIT_ANY_APPOINTMENT: _l("Change anybody's appointments"),
    Action.MOVE_APPOINTMENT: _l("Move appointments to another time"),
    Action.BLOCK_TIME: _l("Block time in the diary"),
    Action.WITHDRAW_APPOINTMENT: _l("Withdraw an appointment made by mistake"),
    Action.CHECK_IN: _l("Check patients in"),
    Action.READ_QUEUE: _l("See the queue"),
    Action.CALL_PATIENT: _l("Call patients from the queue"),
    Action.MANAGE_HOURS: _l("Set doctors' working hours"),
    Action.OPEN_CHART: _l("See clinical notes"),
    Action.LIST_ENCOUNTERS: _l("See that a visit took place"),
    Action.RECORD_VITALS: _l("Record vital signs"),
    Action.WRITE_ENCOUNTER: _l("Write and sign clinical notes"),
    Action.ADD_ADDENDUM: _l("Add to a signed note"),
    Action.PRESCRIBE: _l("Prescribe"),
    Action.OVERRIDE_ALERT: _l("Go on past a safety warning with a reason"),
    Action.LIST_PRESCRIPTIONS: _l("See that something was prescribed"),
    Action.WITHDRAW_CLINICAL: _l("Mark clinical entries as entered in error"),
    Action.MANAGE_TEMPLATES: _l("Change the hospital's note templates"),
    Action.ORDER_TEST: _l("Order tests"),
    Action.ENTER_RESULT: _l("Enter test results"),
    Action.READ_FORMULARY: _l("See the list of medicines"),
    Action.READ_STOCK_LEVEL: _l("See how much is in stock"),
    Action.MANAGE_FORMULARY: _l("Keep the list of medicines"),
    Action.READ_PRESCRIPTION: _l("See what was prescribed"),
    Action.DISPENSE: _l("Dispense medicines"),
    Action.READ_STOCK: _l("See stock by batch"),
    Action.RECEIVE_STOCK: _l("Receive deliveries"),
    Action.ADJUST_STOCK: _l("Correct stock with a reason"),
    Action.READ_BILL_STATUS: _l("See whether a bill is paid"),
    Action.READ_BILL: _l("See bills"),
    Action.EDIT_BILL: _l("Write bills"),
    Action.ADD_CHARGE: _l("Add charges"),
    Action.ISSUE_BILL: _l("Issue bills and print invoices"),
    Action.TAKE_PAYMENT: _l("Take payments"),
    Action.READ_PAYMENTS: _l("See payments"),
    Action.WITHDRAW_BILL: _l("Void bills"),
    Action.PROPOSE_CORRECTION: _l("Ask for a refund, a void bill, a write-off or a large discount"),
    Action.APPROVE_CORRECTION: _l(
        "Approve what a colleague asks for: refunds, void bills, write-offs, large discounts"
    ),
    Action.WORK_TILL: _l("Open and close a till"),
    Action.MANAGE_PRICES: _l("Set prices"),
    Action.READ_REPORTS: _l("See reports"),
    Action.READ_REVENUE: _l("See takings in reports"),
    Action.READ_CLINICAL_FIGURES: _l("See clinical figures in reports"),
    Action.READ_AUDIT: _l("Read the audit trail"),
    Action.READ_SIGN_INS: _l("See everybody's sign-ins"),
    Action.READ_SETTINGS: _l("See the hospital's settings"),
    Action.MANAGE_SETTINGS: _l("Change the hospital's settings"),
    Action.ADMINISTER: _l("Open the administration page"),
    Action.IMPORT_RECORDS: _l("Import records of another system"),
    Action.SYNC_OFFLINE: _l("Send what was written without a network"),
}

PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_l("Patients"), ("patients",)),
    (_l("Appointments and queue"), ("appointments",)),
    (_l("Care"), ("clinical", "lab")),
    (_l("Medicines"), ("formulary", "pharmacy")),
    (_l("Money"), ("billing",)),
    (_l("Reports"), ("reports",)),
    (_l("People and access"), ("staff",)),
    (_l("Administration"), ("admin", "interop")),
)


def words(name: str) -> str:
    """A stored permission in plain words; one that this version does not know is shown as it is stored."""
    try:
        return WORDS.get(Action(name), name)
    except ValueError:
        return name


@dataclass(frozen=True)
class Permission:
    """One row of the matrix."""

    name: str
    words: str


@dataclass(frozen=True)
class Place:
    """The permissions of one part of the hospital."""

    label: str
    permissions: list[Permission]


def matrix() -> list[Place]:
    """Every permission that can be granted, by part of the hospital; those of no known part come last."""
    left = [action for action in Action if action not in (Action.PUBLIC, Action.SIGNED_IN)]
    places = []
    for label, desks in PLACES:
        here = [action for action in left if action.value.partition(".")[0] in desks]
        left = [action for action in left if action not in here]
        places.append(Place(label, [Permission(one.value, words(one.value)) for one in here]))
    rest = [Permission(one.value, words(one.value)) for one in left]
    return [*places, Place(_l("Other"), rest)] if rest else places
