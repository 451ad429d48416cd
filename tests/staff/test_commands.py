"""The command that creates the first administrator and prints a one-time link."""

from __future__ import annotations

import re

import pytest

from hms.core.settings import store as settings
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


NAMES = ("hospital.name", "hospital.address", "hospital.phone")


def test_the_first_administrator_names_the_hospital(app, db, desk):
    runner = app.test_cli_runner()
    for asked in ("The hospital&#39;s details are not complete", "Hospital name, Address, Phone"):
        assert asked in desk("admin").get("/").text
    done = runner.invoke(args=["create-admin", "josephine"], input="Bay Hospital\n3 Bay Street, Bo\n032 555 777\n")
    assert done.exit_code == 0
    assert [settings.value(name) for name in NAMES] == ["Bay Hospital", "3 Bay Street, Bo", "032 555 777"]
    assert "details are not complete" not in desk("admin").get("/").text
    assert "Bay Hospital" in desk(None).get("/login").text
    # It has a name: the next administrator is not asked, but may change it.
    done = runner.invoke(args=["create-admin", "second", "--hospital-phone", "032 1"], input="x\ny\nz\n")
    assert done.exit_code == 0
    assert [settings.value(name) for name in NAMES] == ["Bay Hospital", "3 Bay Street, Bo", "032 1"]


def test_without_answers_no_name_is_invented(app, db):
    done = app.test_cli_runner().invoke(args=["create-admin", "josephine"])
    assert (done.exit_code, "no name yet" in done.output) == (0, True)
    assert [settings.value(name) for name in NAMES] == ["Hospital", "", ""]
