"""Steps on a page that the browser tests share."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from playwright.sync_api import Locator, Page
from sqlalchemy import func, select

from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import Person
from hms.patients.models import Patient
from hms.staff import request_user
from hms.staff.models import User


def ux(tab: Page, name: str) -> Locator:
    """The element with that data-ux name."""
    return tab.locator(f'[data-ux="{name}"]')


def row_of(tab: Page, kind: str, words: str) -> Locator:
    """The first row of that kind that has the text, in capital or small letters."""
    return ux(tab, kind).filter(has_text=re.compile(re.escape(words), re.IGNORECASE)).first


def somebody(served: Any) -> Patient:
    """A woman of the demo hospital with an ordinary family name, an exact birth date and a phone."""
    wanted = select(Patient).where(Patient.birth_date.is_not(None), ~Patient.birth_is_estimated, Patient.phone != "")
    wanted = wanted.where(func.length(Patient.family_name) > 4, Patient.family_name.regexp_match("^[A-Za-z]+$"))
    grown = clock.today() - dt.timedelta(days=18 * 366)
    wanted = wanted.where(Patient.sex == "female", Patient.deceased_on.is_(None), Patient.birth_date < grown)
    with served.app.app_context():
        found = database.session.scalars(wanted.order_by(Patient.id)).first()
        database.session.remove()
    return found


def active_person(username: str) -> Person:
    """The person of the demo hospital with that name, to act with."""
    user_id = database.session.scalars(select(User.id).filter_by(username=username)).one()
    return request_user.load_active_person(user_id)
