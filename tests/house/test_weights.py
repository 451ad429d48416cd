"""What a first visit fetches: at most 10 requests and 120 KB over the wire, also on the largest page."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.clinical.factories import a_patient, an_encounter

MOST_REQUESTS = 10
MOST_BYTES = 120 * 1024
STATIC = re.compile(r'(?:src|href|data-socket)="(/static/[^"#]+)')


def _fetched(client, page):
    """The page and every file it names, each once, as the wire carries them."""
    html = client.get(page).get_data()
    return {page: html} | {name: _content(client, name) for name in set(STATIC.findall(html.decode()))}


def _content(client, address):
    with client.get(address) as answer:
        return answer.get_data()


@pytest.mark.parametrize(
    ("who", "page"),
    [
        ("doctor", "/encounters/{encounter}"),
        ("doctor", "/patients/{patient}"),
        ("nurse", "/queue/"),
        ("receptionist", "/patients/new"),
        ("receptionist", "/appointments/"),
        ("pharmacist", "/pharmacy/"),
        ("cashier", "/billing/"),
        ("admin", "/"),
    ],
)
def test_a_first_visit_is_light(db, desk, person, who, page):
    encounter = an_encounter(person("doctor"), a_patient())
    found = _fetched(desk(who), page.format(encounter=encounter.id, patient=encounter.patient_id))
    assert len(found) <= MOST_REQUESTS, sorted(found)
    assert all(found.values())
    assert sum(len(gzip.compress(content)) for content in found.values()) <= MOST_BYTES
