"""The command that creates the first administrator and prints a one-time link."""

from __future__ import annotations

import re

import pytest

from tests.staff.factories import GOOD, user

pytestmark = pytest.mark.security("C")


def test_the_first_administrator_gets_a_link(app, desk):
    done = app.test_cli_runner().invoke(args=["create-admin", "josephine", "--last-name", "Cole"])
    assert done.exit_code == 0
    link = re.search(r"/welcome/[\w-]{43}", done.output).group()
    assert user("josephine").role.code == "admin"
    assert desk(None).form(link, password=GOOD, again=GOOD).status_code == 303
    assert desk(None).form("/login", username="josephine", password=GOOD).status_code == 303


def test_a_taken_name_or_a_weak_password_is_refused_with_a_message(app, db):
    for arguments in (["admin"], ["second", "--password", "password1234"], ["two words"]):
        done = app.test_cli_runner().invoke(args=["create-admin", *arguments])
        assert (done.exit_code, "Traceback" in done.output) == (1, False)
