"""Refunds, voids, write-offs and discounts above the limit: one person requests, another decides; the database enforces it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_DOWN, Decimal

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from hms.billing.bills import actions as bill_actions
from hms.billing.bills import issuing, queries
from hms.billing.corrections import actions as correction_actions
from hms.billing.corrections import credits
from hms.billing.models import Bill, BillLine, Correction, CreditLine, Payment
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, DomainError, NotAllowed, NotFound, RuleBroken
from hms.core.money import ZERO, Money
from hms.core.person import SYSTEM
from hms.core.settings.definitions import SETTINGS
from hms.messages.models import Notification
from hms.reports.reconciliation import find_discrepancies
from hms.staff import request_user
from hms.staff.accounts import actions as account_actions
from hms.staff.models import Role, User, UserSession
from hms.staff.onboarding import one_time_links
from hms.staff.sign_in.reauthentication import RECENT
from tests.billing import factories
from tests.conftest import PASSWORD
from tests.page import words

pytestmark = pytest.mark.security("N")


def draft(*prices: str) -> Bill:
    return factories.draft(factories.patient().id, *prices)


def test_a_refund_needs_two_people_and_is_paid_from_the_till_of_the_requester(db, person):
    cashier, admin, bill = person("cashier"), person("admin"), draft("100.00")
    payment = payment_actions.take_payment(bill.id, Money("100.00"), "Cash", by=cashier)
    correction = correction_actions.request_refund(
        payment.id, amount=Money("30.00"), reason="test not done", by=cashier
    )
    assert (bill.paid, correction.status) == (Money("100.00"), "waiting")
    with pytest.raises(RuleBroken, match="You made this request"):
        correction_actions.approve(correction.id, by=cashier)
    with pytest.raises(NotAllowed):
        correction_actions.approve(correction.id, by=person("receptionist"))
    correction_actions.approve(correction.id, by=admin)
    back = database.session.scalars(select(Payment).filter_by(kind="refund")).one()
    assert (back.number[0], back.received_by_id, back.shift_id) == ("C", cashier.id, payment.shift_id)
    assert (bill.status, bill.paid) == ("part_paid", Money("70.00"))
    alert = database.session.scalars(select(Notification).filter_by(user_id=cashier.id)).one()
    assert (alert.url, "approved" in alert.title) == (f"/billing/bills/{bill.id}", True)
    with pytest.raises(Conflict, match="already decided"):
        correction_actions.approve(correction.id, by=admin)
    with pytest.raises(RuleBroken, match="Only 70.00"):
        correction_actions.request_refund(payment.id, amount=Money("70.01"), reason="more", by=admin)
    assert list(find_discrepancies(clock.today())) == []


def test_a_request_ends_when_nothing_is_left_to_do_for_it(db, person, desk):
    cashier, admin, bill = person("cashier"), person("admin"), draft("100.00")
    discount = correction_actions.request_discount(bill.id, discount="50%", reason="poor", by=cashier)
    payment_actions.take_payment(bill.id, Money("60.00"), "Cash", by=admin)
    assert (discount.status, discount.decided_by_id) == ("ended", admin.id)
    alert = database.session.scalars(select(Notification).filter_by(user_id=cashier.id)).one()
    assert (alert.title, alert.url) == (
        "Your discount request ended: the bill is issued or void",
        f"/billing/bills/{bill.id}",
    )
    with pytest.raises(Conflict, match="already decided"):
        correction_actions.approve(discount.id, by=person("admin"))
    page = desk("admin").get(f"/billing/bills/{bill.id}").text
    assert "No longer possible" in page
    assert "Approve…" not in page
    write_off = correction_actions.request_write_off(bill.id, reason="poor", by=cashier)
    payment_actions.take_payment(bill.id, Money("40.00"), "Card", "1234", by=cashier)
    assert (bill.status, write_off.status) == ("paid", "ended"), "also by who had sent it"
    other = draft("10.00")
    both = [correction_actions.request_void(other.id, reason="twice", by=cashier)]
    both += [correction_actions.request_discount(other.id, discount="1", reason="poor", by=cashier)]
    issuing.discard_draft(other.id, reason="twice", by=admin)
    assert {request.status for request in both} == {"ended"}


def test_a_credited_refund_is_not_to_pay_again(db, person, desk, program):
    cashier, admin, bill = person("cashier"), person("admin"), draft("100.00")
    payment = payment_actions.take_payment(bill.id, Money("60.00"), "Cash", by=cashier)
    payment_actions.take_payment(bill.id, Money("40.00"), "Card", "1234", by=cashier)
    refund = correction_actions.request_refund(payment.id, reason="test not done", is_credit=True, by=cashier)
    correction_actions.approve(refund.id, by=admin)
    assert (bill.status, bill.paid, bill.written_off) == ("paid", Money("40.00"), Money("60.00"))
    assert queries.owed(bill.patient_id) == ZERO
    for address in (f"/billing/bills/{bill.id}", "/billing/?state=paid"):
        assert "Refunded" in desk("cashier").get(address).text, address
    assert bill.number not in desk("cashier").get("/billing/").text
    shown = program("admin").get(f"/api/corrections/{refund.id}/").get_json()
    assert (shown["is_credit"], shown["status"]) == (True, "approved")

    insured = draft("100.00")
    bill_actions.share_bill(insured.id, payer="Insurance", payer_share="80%", by=cashier)
    void = correction_actions.request_void(insured.id, reason="twice", by=cashier)
    issuing.issue(insured.id, by=cashier)
    claim = payment_actions.take_payment(insured.id, Money("80.00"), "Insurance", "C-17", by=cashier)
    with pytest.raises(RuleBroken, match="Only what the patient paid"):
        correction_actions.request_refund(claim.id, reason="wrong", is_credit=True, by=cashier)
    page = desk("cashier").get(f"/billing/bills/{insured.id}/write-off").text
    assert "20.00 left to pay by the patient" in page, "not the share of the insurer"
    assert void.status == "waiting", "the payment may be refunded"
    assert list(find_discrepancies(clock.today())) == []


def test_a_void_needs_two_people_and_a_bill_without_payments(db, person):
    cashier, bill = person("cashier"), draft("100.00")
    issuing.issue(bill.id, by=cashier)
    correction = correction_actions.request_void(bill.id, reason="wrong patient", by=cashier)
    with pytest.raises(Conflict, match="already sent"):
        correction_actions.request_void(bill.id, reason="wrong patient", by=person("admin"))
    payment = payment_actions.take_payment(bill.id, Money("1.00"), "Cash", by=cashier)
    with pytest.raises(RuleBroken, match="Refund them first"):
        correction_actions.approve(correction.id, by=person("admin"))
    back = correction_actions.request_refund(payment.id, reason="by mistake", by=person("admin"))
    correction_actions.approve(back.id, by=cashier)
    correction_actions.approve(correction.id, by=person("admin"))
    assert (bill.status, bill.number[:2], bill.void_reason) == ("void", "B-", "wrong patient")
    with pytest.raises(Conflict, match="request approval"):
        issuing.discard_draft(bill.id, reason="x", by=person("admin"))


def test_a_write_off_settles_the_bill_on_pages_api_and_reports(db, person, program):
    cashier, bill = person("cashier"), draft("100.00")
    payment_actions.take_payment(bill.id, Money("60.00"), "Cash", by=cashier)
    with pytest.raises(RuleBroken, match="Only 40.00"):
        correction_actions.request_write_off(bill.id, amount=Money("40.01"), reason="poor", by=cashier)
    part = correction_actions.request_write_off(bill.id, amount=Money("15.00"), reason="poor", by=cashier)
    correction_actions.approve(part.id, by=person("admin"))
    assert (bill.status, queries.owed(bill.patient_id)) == ("part_paid", Money("25.00"))
    with pytest.raises(RuleBroken, match="Only 25.00"):
        payment_actions.take_payment(bill.id, Money("25.01"), "Cash", by=cashier)
    correction_actions.approve(
        correction_actions.request_write_off(bill.id, reason="poor", by=cashier).id, by=person("admin")
    )
    assert (bill.status, bill.paid, queries.owed(bill.patient_id)) == ("paid", Money("60.00"), ZERO)
    shown = program("cashier").get(f"/api/bills/{bill.id}/").get_json()
    assert (shown["written_off"], shown["balance"], shown["paid_amount"]) == ("40.00", "0.00", "60.00")
    assert list(find_discrepancies(clock.today())) == []


def _issued(cashier) -> tuple[Bill, BillLine, BillLine]:
    """An issued bill of one line of 100.00 and of four at 25.00, with a discount of 10 %."""
    bill = draft("100.00")
    bill_actions.add_line(bill.id, item="Dressing", quantity=4, unit_price=Money("25.00"), by=cashier)
    correction_actions.give_or_request_discount(bill.id, discount="10%", reason="staff", by=cashier)
    issuing.issue(bill.id, by=cashier)
    return bill, *database.session.scalars(select(BillLine).filter_by(bill_id=bill.id).order_by(BillLine.id))


def test_a_credit_names_its_lines_and_never_credits_a_unit_twice(db, person, program, desk):
    cashier, at, api = person("cashier"), desk("cashier"), program("cashier")
    bill, first, dressing = _issued(cashier)
    page = f"/billing/bills/{bill.id}"
    asked = {"kind": "write_off", "bill": bill.id, "line": dressing.id, "quantity": 3, "reason": "Not used"}
    made = api.post("/api/corrections/", json=asked).get_json()
    line = {"line": dressing.id, "description": "Dressing", "quantity": 3, "amount": "67.50"}
    assert (made["amount"], made["lines"]) == ("67.50", [line])
    assert at.form(f"{page}/lines/{dressing.id}/credit", quantity="2", reason="More").status_code == 400
    assert at.form(f"{page}/lines/{first.id}/credit", quantity="1", reason="Not done").status_code == 303
    waiting = api.get(f"/api/corrections/?bill={bill.id}&status=waiting").get_json()
    lines = [{"line": first.id, "description": first.description, "quantity": 1, "amount": "90.00"}, line]
    assert [(one["amount"], one["lines"]) for one in waiting] == [("157.50", lines)]
    assert "credit of 3 requested" in words(at.get(page).text)
    correction_actions.approve(waiting[0]["id"], by=person("admin"))
    database.session.expire_all()
    assert (bill.written_off, "3 credited" in words(at.get(page).text)) == (Money("157.50"), True)
    with pytest.raises(Conflict, match="at most what was charged"):
        _insert_credit(bill.id, dressing.id, 2, person("cashier"))
    with pytest.raises(RuleBroken, match="Only 1 of this line"):
        credits.request_credit(bill.id, dressing.id, quantity=2, reason="More", by=cashier)
    credits.request_credit(bill.id, dressing.id, quantity=1, reason="More", by=cashier)
    assert list(find_discrepancies(clock.today())) == []


def test_a_program_is_told_which_field_of_a_credit_is_wrong(db, person, program):
    bill, _first, dressing = _issued(person("cashier"))
    asked = {"kind": "write_off", "bill": bill.id, "line": dressing.id, "quantity": 3, "reason": "Not used"}
    api = program("cashier")
    for change, field in (
        ({"quantity": 5}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"line": None}, "line"),
        ({"amount": "1.00"}, "amount"),
        ({"kind": "void"}, "line"),
        ({"line": 999_999}, "line"),
    ):
        refused = api.post("/api/corrections/", json=asked | change)
        assert (refused.status_code, list(refused.get_json())[0]) == (400, field), change


def test_a_credit_is_of_the_patient_s_share_to_the_last_cent(db, person):
    """Of a bill of three at 3.33 and 10.01, less 1.00, of which another payer has half: units credited one by one are together
    what the patient pays of the line, and the other line stays to pay."""
    cashier, bill = person("cashier"), draft("10.01")
    bill_actions.add_line(bill.id, item="Syringe", quantity=3, unit_price=Money("3.33"), by=cashier)
    correction_actions.give_or_request_discount(bill.id, discount="1.00", reason="staff", by=cashier)
    bill_actions.share_bill(bill.id, payer="Insurance", payer_share="50%", by=cashier)
    issuing.issue(bill.id, by=cashier)
    line = database.session.scalars(select(BillLine).filter_by(bill_id=bill.id, quantity=3)).one()
    for _unit in range(3):
        request = credits.request_credit(bill.id, line.id, quantity=1, reason="Not used", by=cashier)
        correction_actions.approve(request.id, by=person("admin"))
    patient_pays = (bill.total - bill.payer_share).value
    assert bill.written_off == Money((Decimal("9.99") * patient_pays / 20).quantize(Decimal("0.01"), ROUND_DOWN))
    whole = correction_actions.request_write_off(bill.id, reason="Poor", by=cashier)
    with pytest.raises(Conflict, match="is waiting for approval"):
        credits.request_credit(bill.id, _other_line(bill, line), quantity=1, reason="More", by=cashier)
    assert (whole.status, list(find_discrepancies(clock.today()))) == ("waiting", [])


def _other_line(bill: Bill, line: BillLine) -> int:
    return database.session.scalars(
        select(BillLine.id).where(BillLine.bill_id == bill.id, BillLine.id != line.id)
    ).one()


def _insert_credit(bill_id: int, line_id: int, quantity: int, by) -> None:
    """Past the rules of the program, so that the trigger has to refuse it."""
    with action_context("tests.credit", by), database.session.begin_nested():
        ask = {"kind": "write_off", "bill_id": bill_id, "amount": Money("1.00"), "reason": "x"}
        database.session.add(request := Correction(**ask, proposed_by_id=by.id))
        database.session.flush()
        credited = CreditLine(correction_id=request.id, bill_line_id=line_id, quantity=quantity, amount=Money("1.00"))
        database.session.add(credited)


def test_a_discount_above_the_limit_needs_approval_also_after_lines_are_removed(db, person, desk):
    cashier, bill = person("cashier"), draft("100.00", "900.00")
    assert correction_actions.give_or_request_discount(bill.id, discount="10%", reason="staff", by=cashier) is None
    assert bill.discount == Money("100.00")
    large = database.session.scalars(
        text("SELECT id FROM bill_line WHERE bill_id = :b AND amount = 900").params(b=bill.id)
    )
    bill_actions.withdraw_line(bill.id, large.one(), by=cashier)
    with pytest.raises(RuleBroken, match="needs approval"):
        issuing.issue(bill.id, by=cashier)
    with pytest.raises(RuleBroken, match="needs approval"):
        correction_actions.give_or_request_discount(bill.id, discount="50%", reason="poor", by=person("receptionist"))
    correction = correction_actions.give_or_request_discount(bill.id, discount="50%", reason="poor", by=cashier)
    assert (correction.amount, bill.discount) == (Money("50.00"), Money("100.00"))
    assert "waits for approval" in desk("cashier").get(f"/billing/bills/{bill.id}/pay").text
    correction_actions.approve(correction.id, by=person("admin"))
    issuing.issue(bill.id, by=cashier)
    assert (bill.discount, bill.discount_reason, bill.total) == (Money("50.00"), "poor", Money("50.00"))


def test_a_request_is_declined_and_another_withdrawn(db, person):
    cashier, bill = person("cashier"), draft("100.00")
    correction = correction_actions.request_void(bill.id, reason="wrong patient", by=cashier)
    with pytest.raises(RuleBroken) as refusal:
        correction_actions.decline(correction.id, reason=" ", by=person("admin"))
    assert refusal.value.field == "reason"
    correction_actions.decline(correction.id, reason="it is the right one", by=person("admin"))
    assert (correction.status, bill.status) == ("declined", "draft")
    second = correction_actions.request_void(bill.id, reason="really", by=cashier)
    with pytest.raises(NotFound):
        correction_actions.withdraw_request(second.id, by=person("admin"))
    correction_actions.withdraw_request(second.id, by=cashier)
    assert second.status == "withdrawn"


def test_a_counted_till_pays_no_refund(db, person):
    cashier, bill = person("cashier"), draft("10.00")
    payment = payment_actions.take_payment(bill.id, Money("10.00"), "Cash", by=cashier)
    correction = correction_actions.request_refund(payment.id, reason="twice", by=cashier)
    till_actions.count_till({}, Money("0"), by=cashier)
    with pytest.raises(RuleBroken, match="is already counted"):
        correction_actions.approve(correction.id, by=person("admin"))
    assert database.session.get(Correction, correction.id, populate_existing=True).status == "waiting"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE correction SET status = 'approved', decided_by_id = proposed_by_id, decided_at = now()",
        "UPDATE correction SET amount = amount + 1",
        "DELETE FROM correction",
        "UPDATE bill SET status = 'void'",
        "UPDATE bill SET written_off = 10",
        "INSERT INTO payment (number, bill_id, kind, amount, method, reference, note, received_at, refunds_id, correction_id)"
        " SELECT 'C-2099-000001', bill_id, 'refund', amount, method, '', '', now(), payment_id, id FROM correction",
    ],
)
def test_the_database_refuses_changes_without_approval(db, person, statement):
    bill = draft("100.00")
    payment = payment_actions.take_payment(bill.id, Money("50.00"), "Cash", by=person("cashier"))
    correction_actions.request_refund(payment.id, reason="x", by=person("cashier"))
    with pytest.raises((Conflict, RuleBroken)), action_context("tests.cheat", SYSTEM):
        database.session.execute(text(statement))


def test_of_simultaneous_approvals_one_pays_the_refund(real_app):
    bill = draft("100.00")
    ids = dict(database.session.execute(select(User.username, User.id)).all())
    payment = payment_actions.take_payment(bill.id, Money("100.00"), "Cash", by=SYSTEM)
    correction = correction_actions.request_refund(
        payment.id, reason="x", by=request_user.load_active_person(ids["admin"])
    )
    correction_id = correction.id
    database.session.commit()

    def approve(_n: int) -> str:
        with real_app.app_context():
            try:
                correction_actions.approve(correction_id, by=request_user.load_active_person(ids["cashier"]))
            except DomainError as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(4) as windows:
        answers = sorted(windows.map(approve, range(4)))
    assert answers == ["decided", "decided", "decided", "done"]
    assert len(database.session.scalars(select(Payment).filter_by(kind="refund")).all()) == 1


def test_the_page_shows_requests_to_those_who_may_decide(db, person, desk):
    bill = draft("100.00")
    issuing.issue(bill.id, by=person("cashier"))
    url = f"/billing/bills/{bill.id}"
    cashier, admin = desk("cashier"), desk("admin")
    assert cashier.form(f"{url}/write-off", amount="100.00", reason="").status_code == 400
    assert cashier.form(f"{url}/write-off", amount="100.00", reason="Cannot pay").status_code == 303
    mine = cashier.get(url).get_data(as_text=True)
    assert "Waiting for approval" in mine
    assert "Withdraw" in mine
    assert "/approve" not in mine
    correction = database.session.scalars(select(Correction)).one()
    assert f"/approvals/{correction.id}/approve" in admin.get("/billing/approvals").get_data(as_text=True)
    assert "Cannot pay" in admin.get("/").get_data(as_text=True)
    assert "Cannot pay" not in cashier.get("/").get_data(as_text=True)
    assert "Reason for declining" in admin.get(f"/billing/approvals/{correction.id}/decline").get_data(as_text=True)
    approve_url = f"/billing/approvals/{correction.id}/approve"
    with action_context("tests.wait", SYSTEM):
        database.session.execute(update(UserSession).values(confirmed_at=clock.now() - RECENT))
    assert "not your password" in admin.form(approve_url, proof="not it").get_data(as_text=True)
    assert admin.form(approve_url, proof=PASSWORD).status_code == 303
    assert "Written off" in cashier.get(url).get_data(as_text=True)
    assert "Approved" in cashier.get("/billing/approvals?show=own").get_data(as_text=True)
    assert "Cannot pay" in cashier.get("/billing/approvals?show=decided").get_data(as_text=True)
    for path in (f"{url}/void", f"{url}/write-off", "/billing/approvals"):
        assert desk("receptionist").get(path).status_code == 403


def test_the_list_needs_as_many_queries_for_many_requests_as_for_few(db, person, desk):
    def send_request() -> None:
        correction_actions.request_void(draft("1.00").id, reason="x", by=person("cashier"))

    send_request()
    few = desk("admin").queries("/billing/approvals")
    for _n in range(6):
        send_request()
    assert desk("admin").queries("/billing/approvals") == few


@pytest.fixture
def ids(db, person) -> dict[str, int]:
    """Ids for the statements: a bill of 100.00 that the cashier issued and that is half paid, a refund request, and a draft."""
    cashier, bill, other = person("cashier"), draft("100.00"), draft("100.00")
    payment = payment_actions.take_payment(bill.id, Money("50.00"), "Cash", by=cashier)
    correction = correction_actions.request_refund(payment.id, reason="x", by=cashier)
    ids = {"bill": bill.id, "draft": other.id, "payment": payment.id, "asked": correction.id, "shift": payment.shift_id}
    return ids | {"cashier": cashier.id, "admin": person("admin").id, "patient": bill.patient_id}


REFUND = (
    "INSERT INTO payment (number, bill_id, kind, amount, method, reference, note, received_at, received_by_id, shift_id,"
    " refunds_id, correction_id) VALUES ('C-2099-000001', :bill, 'refund', 50, 'Cash', '', '', now(), {by}, :shift,"
    " :payment, {asked})"
)
ASK = (
    "INSERT INTO correction (kind, bill_id, payment_id, amount, method, reason, proposed_by_id, status, decided_by_id,"
    " decided_at, decision_note) VALUES ('refund', :bill, :payment, 5, 'Cash', 'x', {by}, {decided}, '')"
)
DECIDE = "UPDATE correction SET status = '{status}', decided_by_id = {by}, decided_at = now() WHERE id = :asked"
NEW_BILL = (
    "INSERT INTO bill (patient_id, collects, status, payer, discount, discount_reason, total, paid, notes, version,"
    " void_reason, {column}) VALUES (:patient, false, 'draft', 'self', 0, '', 10, 0, '', 1, '', {value})"
)
ALONE = [
    ("cashier", DECIDE.format(status="approved", by=":admin")),
    ("cashier", DECIDE.format(status="approved", by=":cashier")),
    ("admin", DECIDE.format(status="approved", by=":cashier")),
    ("admin", DECIDE.format(status="withdrawn", by=":admin")),
    ("admin", DECIDE.format(status="withdrawn", by=":cashier")),
    (None, DECIDE.format(status="approved", by=":admin")),
    (None, DECIDE.format(status="declined", by=":admin")),
    ("admin", ASK.format(by=":cashier", decided="'waiting', NULL, NULL")),
    (None, ASK.format(by=":cashier", decided="'waiting', NULL, NULL")),
    ("admin", ASK.format(by=":cashier", decided="'approved', :admin, now()")),
    ("cashier", ASK.format(by=":cashier", decided="'approved', :admin, now()")),
    ("admin", REFUND.format(by=":admin", asked="NULL")),
    ("admin", REFUND.format(by=":cashier", asked="NULL")),
    ("admin", REFUND.format(by=":cashier", asked=":asked")),
    ("cashier", REFUND.format(by=":cashier", asked=":asked")),
    (None, REFUND.format(by=":cashier", asked=":asked")),
    ("admin", "UPDATE bill SET status = 'void', voided_by_id = :admin, voided_at = now() WHERE id = :bill"),
    ("cashier", "UPDATE bill SET status = 'void', voided_by_id = :admin, voided_at = now() WHERE id = :bill"),
    ("admin", "UPDATE bill SET written_off = 50 WHERE id = :bill"),
    ("cashier", "UPDATE bill SET payer = 'Insurance', payer_share = 50 WHERE id = :bill"),
    (
        "cashier",
        "UPDATE bill SET discount = 60, total = 40, status = 'issued', number = 'B-2099-000001', issued_at = now()"
        " WHERE id = :draft",
    ),
    (
        "cashier",
        "UPDATE bill SET total = 1, status = 'issued', number = 'B-2099-000001', issued_at = now() WHERE id = :draft",
    ),
    (
        "cashier",
        "UPDATE bill SET status = 'issued', number = 'B-2099-000001', issued_at = now(), issued_by_id = :admin"
        " WHERE id = :draft",
    ),
    ("cashier", NEW_BILL.format(column="written_off", value="10")),
    ("cashier", NEW_BILL.format(column="payer_paid", value="1")),
]


@pytest.mark.parametrize(("username", "statement"), ALONE)
def test_the_database_checks_the_person_who_acts(ids, person, username, statement):
    who = person(username) if username else SYSTEM
    with pytest.raises((Conflict, RuleBroken)), action_context("tests.cheat", who):
        database.session.execute(text(statement), ids)


def test_without_an_action_nothing_is_decided(ids):
    with pytest.raises(DBAPIError):
        database.session.execute(text(DECIDE.format(status="approved", by=":admin")), ids)


def test_the_database_has_the_default_limits(db):
    """The triggers of migration 0021 read the stored settings and have the same defaults as the program."""
    source = text("SELECT prosrc FROM pg_proc WHERE proname = :name")
    defaults = {
        "hms_second_person": f"), {SETTINGS['billing.discount_limit_percent'].default});",
        "hms_takes_two": f"), {str(SETTINGS['staff.two_person_admin_grant'].default).lower()})",
    }
    for name, default in defaults.items():
        assert default in database.session.execute(source, {"name": name}).scalar_one()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bill SET paid = total, status = 'paid' WHERE id = :bill",
        "UPDATE bill SET status = 'paid' WHERE id = :bill",
        "UPDATE bill SET status = 'issued' WHERE id = :bill",
        "UPDATE bill SET paid = 40 WHERE id = :bill",
        "UPDATE bill SET paid = 5 WHERE id = :draft",
        "INSERT INTO payment (number, bill_id, kind, amount, method, reference, note, received_at, received_by_id, shift_id)"
        " VALUES ('R-2099-000001', :bill, 'payment', 1, 'Cash', '', '', now(), :cashier, :shift)",
    ],
)
def test_the_paid_amount_follows_from_the_payments(ids, person, statement):
    """The constraint is checked when the transaction ends; here at once, because commits are savepoints."""
    with pytest.raises((Conflict, RuleBroken)), action_context("tests.cheat", person("cashier")):
        _run_and_check(statement, ids)


def _run_and_check(statement: str, values: dict[str, int]) -> None:
    database.session.execute(text(statement), values)
    database.session.execute(text("SET CONSTRAINTS paid_adds_up IMMEDIATE"))


def test_a_bill_is_not_marked_paid_without_a_payment(real_app):
    bill_id = draft("100.00").id
    cashier = request_user.load_active_person(
        database.session.scalars(select(User.id).filter_by(username="cashier")).one()
    )
    issuing.issue(bill_id, by=cashier)
    with pytest.raises(Conflict) as refusal, action_context("tests.cheat", cashier):
        database.session.execute(text("UPDATE bill SET paid = total, status = 'paid'"))
    assert refusal.value.code == "payments_add_up"
    payment_actions.take_payment(bill_id, Money("100.00"), "Cash", by=cashier)
    assert database.session.execute(text("SELECT status FROM bill")).scalar_one() == "paid"


def test_a_void_bill_stays_void(ids, person):
    correction = correction_actions.request_void(ids["draft"], reason="x", by=person("cashier"))
    correction_actions.approve(correction.id, by=person("admin"))
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", person("admin")):
        database.session.execute(text("UPDATE bill SET void_reason = 'y' WHERE id = :draft"), ids)


@pytest.mark.parametrize("requester", ["admin", "puppet"])
def test_people_do_not_approve_for_an_account_they_opened_nor_its_holder_for_them(ids, person, program, requester):
    cashier_role = database.session.scalars(select(Role.id).filter_by(code="cashier")).one()
    admin = person("admin")
    added = account_actions.add_person(username="puppet", role_id=cashier_role, by=admin)
    puppet = request_user.load_active_person(added.user.id)
    by, approver = (admin, puppet) if requester == "admin" else (puppet, admin)
    correction = correction_actions.request_write_off(ids["bill"], reason="x", by=by)
    with pytest.raises(RuleBroken) as refusal:
        correction_actions.approve(correction.id, by=approver)
    assert refusal.value.code == "opened_lately"
    values = ids | {"asked": correction.id, "by": approver.id}
    with pytest.raises(Conflict) as by_database, action_context("tests.cheat", approver):
        database.session.execute(text(DECIDE.format(status="approved", by=":by")), values)
    assert by_database.value.code == "opened_lately"
    correction_actions.approve(correction.id, by=person("cashier"))


def test_a_link_for_an_account_counts_as_opening_it(ids, person, program):
    correction = correction_actions.request_write_off(ids["bill"], reason="x", by=person("admin"))
    one_time_links.make_link(ids["cashier"], by=person("admin"))
    refused = program("cashier").post(f"/api/corrections/{correction.id}/approve/", json={"proof": PASSWORD})
    assert refused.status_code == 400
    assert "opened your account or made a link" in refused.get_data(as_text=True)


@pytest.mark.parametrize("table", ["login_activity", "offline_entry", "one_time_link"])
def test_history_is_not_deleted(db, person, table):
    allowed = text("SELECT has_table_privilege(current_user, :table, 'DELETE')")
    assert database.session.execute(allowed, {"table": table}).scalar_one() is False
    kept = text(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND tgname IN ('kept', 'permanent')"
    )
    assert database.session.execute(kept, {"table": table}).scalar_one() == 1
