"""The message of an acknowledgement says what the rows say, and the pages show open values until then."""

from __future__ import annotations

from tests.escalations.factories import NEWS2, all_of_them, very_ill
from tests.page import said, words


def test_an_acknowledgement_says_whose_value_was_read_back_and_pages_show_it_no_more(desk, person, db):
    doctor = person("doctor")
    very_ill(person("nurse"), doctor.id)
    (one,) = all_of_them()
    strip, card = "1 critical value waits for you to acknowledge it.", "Critical values that nobody has acknowledged"
    at = desk("doctor")
    for path, part in {"/": card, "/queue/": card, "/profile": strip, "/escalations/open": card}.items():
        assert part in words(at.get(path).text), path
    assert strip in words(at.get("/escalations/strip").text)
    assert f"NEWS2 {NEWS2}" in words(desk("admin").get("/").text)
    assert strip not in words(desk("nurse").get("/").text), "the nurse was not told yet"
    assert card not in words(desk("lab").get("/").text), "the laboratory reads no vitals"
    assert f"Acknowledged: NEWS2 {NEWS2}." in said(at, f"/escalations/{one.id}", read_back=NEWS2)
    (one,) = all_of_them()
    assert (one.status, one.acknowledged_by_id, one.read_back) == ("acknowledged", doctor.id, NEWS2)
    for path in ("/", "/queue/", "/escalations/open", "/escalations/strip"):
        shown = words(at.get(path).text)
        assert card not in shown, path
        assert strip not in shown, path
