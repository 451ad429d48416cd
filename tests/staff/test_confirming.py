"""A fresh password or code before an act that must not be somebody else's."""

from __future__ import annotations

import pytest
from flask import session

from hms.core.errors import RuleBroken
from hms.staff.login_security.errors import LockedOut
from hms.staff.sign_in.reauthentication import reauthenticate, with_reauthentication
from tests.conftest import PASSWORD

pytestmark = pytest.mark.security("G")


def test_only_the_own_password_confirms(app, person):
    doctor = person("doctor")
    with app.test_request_context():
        reauthenticate(PASSWORD, by=doctor)
        for wrong in ("", None, "wrong", "123456"):
            with pytest.raises(RuleBroken) as refused:
                reauthenticate(wrong, by=doctor)
            assert refused.value.field == "proof"


def test_five_wrong_proofs_close_the_door_also_for_the_right_one(app, person):
    nurse = person("nurse")
    with app.test_request_context():
        for _ in range(5):
            with pytest.raises(RuleBroken):
                reauthenticate("wrong", by=nurse)
        with pytest.raises(LockedOut):
            reauthenticate(PASSWORD, by=nurse)


def test_the_act_follows_only_a_right_proof(app, person):
    done = []
    act = with_reauthentication(lambda *, reason, by: done.append((reason, by.username)))
    with app.test_request_context():
        with pytest.raises(RuleBroken):
            act(reason="emergency", proof="wrong", by=person("doctor"))
        assert done == []
        act(reason="emergency", proof=PASSWORD, by=person("doctor"))
    assert done == [("emergency", "doctor")]


def test_a_proof_gives_the_session_a_new_id(app, desk, person):
    client = desk("doctor")
    from dataclasses import replace

    from sqlalchemy import select

    from hms.core.db.session import db
    from hms.staff.models import UserSession

    row = db.session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    with app.test_request_context():
        reauthenticate(PASSWORD, by=replace(person("doctor"), session_id=row.id))
        assert session["sid"]
    assert client.get("/").status_code == 302
