"""Every search of every desk: text without a letter or digit finds nothing, and no character is a wildcard."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from hms.admin.audit_trail import queries
from hms.billing.models import PriceItem
from hms.clinical.diagnoses import codes
from hms.core.audit import recording
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.patients.models import Patient
from hms.pharmacy.models import Supplier
from tests.house.hospital import add, somebody, whole_record

pytestmark = pytest.mark.security("J")

SIGNS = ("%", "_", "%%", "(", "--", "\\", "*", "'", '"', "’", "-", "/", ". ;", "<>", "$", "^.*", "% _", "…")
UNSEEN = (
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\0",
    "\N{ZERO WIDTH SPACE}",
    " \N{SOFT HYPHEN} ",
    "\x07",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
)
"""Invisible characters; a search for them alone must not be treated as an empty search, which finds everything."""
ODD = "Canary (50%) -- 'x' \\ _ * \" ’ / . ; <> $ ^.* …"
"""A name with each of the characters; searching for the character does not find it."""
SEARCHES = (
    ("receptionist", "/patients/?q=", "kamara", "KAMARA"),
    ("receptionist", "/find?q=", "kamara", "KAMARA"),
    ("receptionist", "/find/rows?q=", "kamara", "KAMARA"),
    ("receptionist", "/appointments/patients?q=", "kamara", "KAMARA"),
    ("cashier", "/billing/?state=all&q=", "kamara", "KAMARA"),
    ("cashier", "/billing/prices?q=", "canary", "Canary"),
    ("cashier", "/billing/prices/choose?q=", "canary", "Canary"),
    ("pharmacist", "/find?q=", "canary", "Canary"),
    ("pharmacist", "/pharmacy/?q=", "kamara", "KAMARA"),
    ("pharmacist", "/pharmacy/stock?q=", "canary", "Canary"),
    ("pharmacist", "/pharmacy/medicines/choose?q=", "canary", "Canary"),
    ("pharmacist", "/pharmacy/suppliers/choose?q=", "canary", "Canary"),
    ("doctor", "/clinical/medicines?q=", "canary", "Canary"),
    ("doctor", "/lab/tests?q=", "haemoglobin", "Haemoglobin"),
    ("admin", "/admin/users?q=", "canary", "Canary"),
    ("admin", "/admin/settings?q=", "hospital", "/admin/settings/"),
)
LISTS = (
    ("receptionist", "/api/patients/?search=", "kamara"),
    ("doctor", "/api/medications/?search=", "canary"),
    ("cashier", "/api/service-catalog/?search=", "canary"),
    ("cashier", "/api/bills/?search=", None),
    ("admin", "/api/audit-logs/?user=", "admin"),
)


@pytest.fixture
def record(db, person):
    """A patient with something at every desk, and at each desk something with these characters in its name."""
    ids = whole_record()
    add(Medication(name=ODD, generic_name=ODD, unit="tablet", reorder_level=9))
    add(PriceItem(code="CANARY", name=ODD, unit_price=Money("10.00")))
    add(Supplier(name=ODD))
    add(Patient(number=899_999, hospital_number="HMS-899999-0", given_names=ODD, family_name="Kamara"))
    somebody("canary-50_x", "nurse", first_name=ODD)
    recording.record("tests.searched", person("admin"))
    return ids


@pytest.mark.parametrize(("role", "address", "word", "shown"), SEARCHES)
def test_signs_alone_find_nothing_on_pages(desk, record, role, address, word, shown):
    client = desk(role)
    client.checks = False
    assert shown in client.get(address + word).get_data(as_text=True), "the search finds at all"
    answers = {sign: client.get(address + quote(sign)) for sign in (*SIGNS, *UNSEEN)}
    assert [sign for sign, answer in answers.items() if answer.status_code != 200] == []
    assert [sign for sign, answer in answers.items() if shown in answer.get_data(as_text=True)] == []


@pytest.mark.parametrize(("role", "address", "word"), LISTS)
def test_signs_alone_find_nothing_through_the_api(program, record, role, address, word):
    client = program(role)
    assert word is None or client.get(address + word).json
    assert {sign: client.get(address + quote(sign)).json for sign in SIGNS} == dict.fromkeys(SIGNS, [])
    for sign in UNSEEN:
        answer = client.get(address + quote(sign))
        assert answer.status_code == 400 or answer.json == [], sign


def test_signs_alone_find_nothing_in_the_trail(db, record):
    found = {
        word: database.session.execute(queries.query(queries.AuditFilter(words=word))).all()
        for word in ("canary", *SIGNS)
    }
    assert [word for word, rows in found.items() if rows] == ["canary"]


def test_signs_alone_are_no_diagnosis(db):
    codes.load_codes(by=SYSTEM)
    assert codes.find_codes("malaria").rows
    assert {sign: codes.find_codes(sign).rows for sign in SIGNS} == dict.fromkeys(SIGNS, [])
