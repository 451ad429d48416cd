"""An error keeps its sentence and its values apart until it is shown."""

from __future__ import annotations

import pytest

from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.web.localisation import translate_error
from tests.page import words

pytestmark = pytest.mark.security("J")


def test_a_value_is_never_read_as_a_format(app):
    refusal = RuleBroken("Stop: %(alert)s", alert="50%s %(x)s %3000000s")
    with app.test_request_context():
        assert translate_error(refusal) == "Stop: 50%s %(x)s %3000000s"
    assert str(refusal) == "Stop: 50%s %(x)s %3000000s"


def test_from_error_keeps_sentence_values_and_own_code():
    taken = Conflict("Taken by %(name)s.", "time", code="taken", name="Sesay")
    moved = RuleBroken.from_error(taken, "slot")
    assert (str(moved), moved.field, moved.code) == ("Taken by Sesay.", "slot", "taken")
    assert NotAllowed.from_error(Conflict("Taken.")).code == "not_allowed"


def test_a_refused_page_says_its_sentence_once_and_what_to_do(desk):
    refused = desk("nurse").get("/admin/")
    shown = words(refused.get_data(as_text=True))
    assert refused.status_code == 403
    assert shown.count("Your role does not allow this.") == 1
    assert 'href="/profile/role"' in refused.get_data(as_text=True)
    main = words(desk("nurse").get("/no-such-page").get_data(as_text=True)).split("Alerts", 1)[1]
    assert main.count("Page not found") == 1
    assert "find the patient by name" in main
