"""What the demo's records say beside the visits: consents, documents, next of kin, further phones; and recurring bookings."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select

from hms.appointments.enums import RepeatUnit
from hms.appointments.series import actions as series_actions
from hms.appointments.series.rules import Pattern
from hms.core import clock
from hms.core.db.session import db
from hms.patients.consent import actions as consent_actions
from hms.patients.contacts import actions as contact_actions
from hms.patients.documents import actions as document_actions
from hms.patients.documents import uploads
from hms.patients.models import ConsentText

from .visits import Team, book

DOCUMENTS = (
    (
        "referral",
        "Referral letter",
        "Referral letter\n\nTo the outpatient clinic.\nPlease see this patient\nfor review.",
    ),
    ("identity", "Identity card", "Identity card\n\nCopy, seen at the desk."),
    ("result", "Blood count of another hospital", "Blood count\n\nHb 10.8 g/dL\nWBC 6.2\nPLT 210"),
)
"""Category, title and the words on the scanned sheet."""
SHEET = (420, 560)
KIN = (
    ("spouse", "Isatu Koroma", "076 411 207"),
    ("sibling", "Sorie Kamara", "077 550 318"),
    ("mother", "Hawa Sesay", ""),
)
PHONES = (("work", "Market office", "078 300 412"), ("relative", "Daughter", "030 771 226"), ("own", "", "033 240 118"))
SERIES_WEEKDAYS = (1, 3)
SERIES_TIMES = 6


def fill_records(team: Team, patient_ids: list[int]) -> None:
    """Fill the records of the first patients."""
    _record_consents(team, patient_ids)
    for patient_id, (relation, name, phone) in zip(patient_ids, KIN, strict=False):
        contact_actions.save_relative(patient_id, name=name, relation=relation, phone=phone, by=team.receptionist)
    for patient_id, (owner, label, number) in zip(patient_ids, PHONES, strict=False):
        contact_actions.save_phone(patient_id, number=number, owner=owner, label=label, by=team.receptionist)
    for patient_id, (category, title, words) in zip(patient_ids, DOCUMENTS, strict=False):
        file = uploads.check_file(_scan(words))
        dated_on = clock.today() - timedelta(days=30)
        document_actions.add_document(
            patient_id, file=file, category=category, title=title, dated_on=dated_on, by=team.doctor
        )


def _record_consents(team: Team, patient_ids: list[int]) -> None:
    """Most give their consent; one refuses, and one withdraws what was given."""
    text_ids = list(db.session.scalars(select(ConsentText.id).order_by(ConsentText.id)))
    today = clock.today()
    for number, patient_id in enumerate(patient_ids[:8]):
        for text_id in text_ids[: 1 + number % 2]:
            decision = "refused" if number == 3 else "given"
            given = consent_actions.record_consent(
                patient_id,
                text_id=text_id,
                decision=decision,
                decided_on=today - timedelta(days=3),
                by=team.receptionist,
            )
        if number == 4:
            consent_actions.withdraw_consent(
                patient_id, given.id, ended_on=today, reason="The patient changed their mind", by=team.receptionist
            )


def _scan(words: str) -> bytes:
    """A sheet with a few words, as a scanner sends it."""
    sheet = Image.new("L", SHEET, 250)
    ImageDraw.Draw(sheet).multiline_text((40, 50), words, fill=20, spacing=12)
    encoded = BytesIO()
    sheet.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def book_series(team: Team, patient_ids: list[int]) -> None:
    """Two patients come every week: dressings and physiotherapy are such visits."""
    today = clock.today()
    for number, weekday in enumerate(SERIES_WEEKDAYS):
        day = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 3)
        booked = book(team, patient_ids[-1 - number], team.doctor2, day, dt.time(8, 15 * number), "Dressing")
        if booked is not None:
            pattern = Pattern(1, RepeatUnit.WEEKS, times=SERIES_TIMES)
            series_actions.book_series(booked, pattern=pattern, by=team.receptionist)
