"""What each permission allows, in plain words, grouped as the matrix of roles shows them."""

from __future__ import annotations

from dataclasses import dataclass

from hms.core.permissions import Action
from hms.core.words import _

WORDS: dict[Action, str] = {
    Action.READ_STAFF: _("See colleagues and their roles"),
    Action.REQUEST_ROLE: _("Ask for another role"),
    Action.MANAGE_STAFF: _("Manage people: add, correct, close and unlock accounts"),
    Action.MANAGE_ROLES: _("Manage roles: decide what each role may do"),
    Action.REVIEW_ROLE_REQUESTS: _("Give roles and answer requests for them"),
    Action.FIND_PATIENT: _("Find patients"),
    Action.REGISTER_PATIENT: _("Register patients"),
    Action.EDIT_PATIENT: _("Correct patients' details"),
    Action.READ_CONTACT: _("See patients' phones and addresses"),
    Action.READ_ALLERGIES: _("See allergies"),
    Action.RECORD_ALLERGY: _("Record allergies"),
    Action.WITHDRAW_PATIENT: _("Withdraw a patient registered by mistake"),
    Action.EXPORT_PATIENTS: _("Export lists of patients"),
    Action.RESTRICT_PATIENT: _("Restrict a patient's record"),
    Action.BREAK_GLASS: _("Open a restricted record with a reason"),
    Action.REVIEW_ACCESS: _("Review who opened restricted records"),
    Action.READ_OWN_RECORD: _("Read one's own record as a patient"),
    Action.READ_APPOINTMENTS: _("See appointments"),
    Action.READ_VISIT_REASON: _("See why a patient comes"),
    Action.BOOK: _("Book appointments"),
    Action.EDIT_APPOINTMENT: _("Change own appointments"),
    Action.EDIT_ANY_APPOINTMENT: _("Change anybody's appointments"),
    Action.MOVE_APPOINTMENT: _("Move appointments to another time"),
    Action.BLOCK_TIME: _("Block time in the diary"),
    Action.WITHDRAW_APPOINTMENT: _("Withdraw an appointment made by mistake"),
    Action.CHECK_IN: _("Check patients in"),
    Action.READ_QUEUE: _("See the queue"),
    Action.CALL_PATIENT: _("Call patients from the queue"),
    Action.MANAGE_HOURS: _("Set doctors' working hours"),
    Action.OPEN_CHART: _("See clinical notes"),
    Action.LIST_ENCOUNTERS: _("See that a visit took place"),
    Action.RECORD_VITALS: _("Record vital signs"),
    Action.WRITE_ENCOUNTER: _("Write and sign clinical notes"),
    Action.ADD_ADDENDUM: _("Add to a signed note"),
    Action.PRESCRIBE: _("Prescribe"),
    Action.OVERRIDE_ALERT: _("Go on past a safety warning with a reason"),
    Action.LIST_PRESCRIPTIONS: _("See that something was prescribed"),
    Action.WITHDRAW_CLINICAL: _("Mark clinical entries as entered in error"),
    Action.MANAGE_TEMPLATES: _("Change the hospital's note templates"),
    Action.ORDER_TEST: _("Order tests"),
    Action.ENTER_RESULT: _("Enter test results"),
    Action.READ_FORMULARY: _("See the list of medicines"),
    Action.READ_STOCK_LEVEL: _("See how much is in stock"),
    Action.MANAGE_FORMULARY: _("Keep the list of medicines"),
    Action.READ_PRESCRIPTION: _("See what was prescribed"),
    Action.DISPENSE: _("Dispense medicines"),
    Action.READ_STOCK: _("See stock by batch"),
    Action.RECEIVE_STOCK: _("Receive deliveries"),
    Action.ADJUST_STOCK: _("Correct stock with a reason"),
    Action.READ_BILL_STATUS: _("See whether a bill is paid"),
    Action.READ_BILL: _("See bills"),
    Action.EDIT_BILL: _("Write bills"),
    Action.ADD_CHARGE: _("Add charges"),
    Action.ISSUE_BILL: _("Issue bills and print invoices"),
    Action.TAKE_PAYMENT: _("Take payments"),
    Action.READ_PAYMENTS: _("See payments"),
    Action.WITHDRAW_BILL: _("Void bills"),
    Action.PROPOSE_CORRECTION: _("Ask for a refund, a void bill, a write-off or a large discount"),
    Action.APPROVE_CORRECTION: _("Approve what a colleague asks for: refunds, void bills, write-offs, large discounts"),
    Action.WORK_TILL: _("Open and close a till"),
    Action.MANAGE_PRICES: _("Set prices"),
    Action.READ_REPORTS: _("See reports"),
    Action.READ_REVENUE: _("See takings in reports"),
    Action.READ_CLINICAL_FIGURES: _("See clinical figures in reports"),
    Action.READ_AUDIT: _("Read the audit trail"),
    Action.READ_SIGN_INS: _("See everybody's sign-ins"),
    Action.READ_SETTINGS: _("See the hospital's settings"),
    Action.MANAGE_SETTINGS: _("Change the hospital's settings"),
    Action.ADMINISTER: _("Open the administration page"),
    Action.IMPORT_RECORDS: _("Import records of another system"),
    Action.SYNC_OFFLINE: _("Send what was written without a network"),
}

PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_("Patients"), ("patients",)),
    (_("Appointments and queue"), ("appointments",)),
    (_("Care"), ("clinical", "lab")),
    (_("Medicines"), ("formulary", "pharmacy")),
    (_("Money"), ("billing",)),
    (_("Reports"), ("reports",)),
    (_("People and access"), ("staff",)),
    (_("Administration"), ("admin", "interop")),
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
    return [*places, Place(_("Other"), rest)] if rest else places
