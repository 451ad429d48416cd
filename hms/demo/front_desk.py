"""The front desk of the demo today: lines of the service points, the waiting list, a doctor who is away, consents."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta

from sqlalchemy import select

from hms.appointments.absences import actions as absence_actions
from hms.appointments.lines import actions as line_actions
from hms.appointments.models import QueueEntry, ServicePoint
from hms.appointments.waiting_list import actions as waiting_list_actions
from hms.core import clock
from hms.core.db.session import db
from hms.patients.consent import actions as consent_actions
from hms.patients.models import Patient

from .visits import Team

CONSENTS = (
    (
        "Treatment",
        "Consent to treatment",
        "I agree that the staff of this hospital examine and treat me. They told me what they plan and why. I may withdraw"
        " this consent at any time.",
    ),
    (
        "Use of photographs",
        "Consent to photographs",
        "I agree that a photograph of me is kept in my record, so that the staff recognise me.",
    ),
)
"""Name of the consent, title and text of its form."""
SENT_TO = ("LAB", "TRIAGE")
CAME_AGO = (timedelta(minutes=14), timedelta(minutes=9))
WAITING_FOR_A_PLACE = 2
AWAY_IN_DAYS = 2


def add_consents(team: Team) -> None:
    """Write the consents that patients are asked for."""
    for name, title, body in CONSENTS:
        kind = consent_actions.save_kind(name=name, by=team.admin)
        consent_actions.write_text(kind.id, language="en", title=title, body=body, by=team.admin)


def send_to_points(team: Team) -> None:
    """Send the last of those who wait for a doctor to a service point each. The laboratory has just called the first of two
    others, so that its waits are known."""
    waiting = select(QueueEntry.id).where(QueueEntry.service_date == clock.today(), QueueEntry.status == "waiting")
    ids = list(db.session.scalars(waiting.order_by(QueueEntry.id.desc()).limit(len(SENT_TO))))
    points = dict(db.session.execute(select(ServicePoint.code, ServicePoint.id)).all())
    for entry_id, code in zip(ids, SENT_TO, strict=False):
        line_actions.send_on(entry_id, points[code], by=team.receptionist)
    in_queue = select(QueueEntry.patient_id).where(QueueEntry.service_date == clock.today())
    others = select(Patient.id).where(Patient.status == "active", Patient.id.not_in(in_queue)).order_by(Patient.id)
    for ago, patient_id in zip(CAME_AGO, db.session.scalars(others.limit(len(CAME_AGO))).all(), strict=False):
        with clock.frozen_at(clock.now() - ago):
            line_actions.add_to_point(patient_id, points["LAB"], by=team.lab)
    with clock.frozen_at(clock.now() - timedelta(minutes=3)):
        called = line_actions.call_next_to_point(points["LAB"], by=team.lab)
        if called is not None:
            line_actions.start_at_point(called.id, by=team.lab)


def fill_calendar(team: Team, patient_ids: list[int]) -> None:
    """Let patients wait for a place, and a doctor be away on a day without bookings."""
    today = clock.today()
    for patient_id in patient_ids[:WAITING_FOR_A_PLACE]:
        waiting_list_actions.add_to_waiting_list(
            patient_id=patient_id,
            doctor_id=team.doctor2.id,
            first_day=today,
            last_day=today + timedelta(days=14),
            by=team.receptionist,
        )
    day = today + timedelta(days=AWAY_IN_DAYS)
    absence_actions.record_absence(
        team.doctor.id,
        starts=clock.at(day, dt.time(8)),
        ends=clock.at(day, dt.time(12)),
        reason="Ward round",
        by=team.receptionist,
    )
