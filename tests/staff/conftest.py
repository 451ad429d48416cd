"""What the tests of signing in share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.web.rate_limits import limiter
from hms.staff.models import User
from hms.staff.second_factor import codes
from tests.page import Page


@pytest.fixture(autouse=True)
def _nobody_tried_before(app: Any) -> None:
    """The wrong tries of one test do not count against the address in the next."""
    limiter.reset()


@pytest.fixture
def account(db: object) -> Callable[[str], User]:
    """`account("doctor")`: that person's account, fresh from the database."""

    def of(username: str) -> User:
        query = select(User).filter_by(username=username).execution_options(populate_existing=True)
        return database.session.scalars(query).unique().one()

    return of


@pytest.fixture
def authenticator(account: Callable[[str], User]) -> Callable[[str], pyotp.TOTP]:
    """`authenticator("doctor")`: that account gets a second factor, and this is its app."""

    def of(username: str) -> pyotp.TOTP:
        return give_second_factor(username)

    return of


def give_second_factor(username: str) -> pyotp.TOTP:
    """Set the second factor up behind the account's back; returns its app."""
    secret = pyotp.random_base32(32)
    with action_context("tests.seed", SYSTEM):
        user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
        user.totp_secret = codes.encrypt_secret(secret)
    return pyotp.TOTP(secret)


def code_now(app_of_phone: pyotp.TOTP, steps: int = 0) -> str:
    """What the phone shows now, or `steps` half-minutes from now."""
    return app_of_phone.at(clock.now(), counter_offset=steps)


def said(response: Any) -> str:
    """The words of a page, blanks folded."""
    return " ".join(" ".join(Page(response.get_data(as_text=True)).text).split())
