"""An error keeps its sentence and its values apart until it is shown."""

from __future__ import annotations

import pytest

from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.web.localisation import translate_error

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
