"""Pages of a restricted record: the restriction and its emergency accesses."""

from __future__ import annotations

import pytest

from hms.admin.audit_trail import record_access
from hms.core import clock
from hms.core.db.session import db as database
from hms.patients.models import Patient
from tests.conftest import PASSWORD
from tests.house.hospital import add, whole_record

pytestmark = pytest.mark.security("O")


@pytest.fixture
def restricted(db) -> int:
    """The id of a patient whose record is restricted."""
    patient_id = whole_record("Closed")["patient_id"]
    patient = database.session.get(Patient, patient_id)
    patient.is_restricted, patient.restriction_reason = True, "Works in this hospital"
    add(patient)
    return patient_id


def test_the_banner_says_that_a_record_is_restricted(restricted, desk):
    for username in ("doctor", "receptionist"):
        assert 'data-ux="banner-restricted"' in desk(username).get(f"/patients/{restricted}").get_data(as_text=True)


def test_reads_before_an_emergency_access_have_their_own_line(restricted, desk):
    at, asking = desk("pharmacist"), f"/patients/{restricted}/break-glass?next=/pharmacy/"
    page = at.get(asking).get_data(as_text=True)
    assert 'href="/pharmacy/"' in page
    opening = at.form(asking, reason="Collapsed at the counter", proof=PASSWORD)
    assert (opening.status_code, opening.location) == (303, "/pharmacy/")
    assert at.get(f"/patients/{restricted}/break-glass", follow_redirects=True).status_code == 200
    lines = [
        line
        for line in record_access.accesses(restricted, clock.today(), clock.today())
        if str(line.role) == "Pharmacist"
    ]
    assert sorted(line.is_emergency for line in lines) == [False, True]
