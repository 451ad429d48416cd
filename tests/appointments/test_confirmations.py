"""Bookings that nobody has confirmed: who is in the list, and what takes a booking out of it."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.confirmations import actions, queries
from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, NotFound
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import OutgoingMessage
from tests.appointments import factories


@pytest.fixture
def book(bah):
    def booked(days: int = 1, hour: int = 9, **more: object) -> Appointment:
        values = {"patient_id": factories.patient(**more).id, "doctor_id": bah.id}
        day = clock.today() + dt.timedelta(days=days)
        return booking_actions.book(**values, date=day, time=dt.time(hour), by=SYSTEM)

    return booked


def told(booking: Appointment, status: str) -> None:
    at = clock.at(booking.date, booking.time)
    times = {"about_at": at, "due_at": clock.now(), "valid_until": at}
    about = {"patient_id": booking.patient_id, "appointment_id": booking.id, "kind": "appointment.booked"}
    with action_context("tests.told", SYSTEM):
        said_so = {"channel": "sms", "language": "en", "address": "+23276", "body": "Come."}
        database.session.add(
            OutgoingMessage(**about, **said_so, **times, occurrence=f"v{booking.version}", status=status, attempts=1)
        )
        database.session.flush()


def listed() -> list[tuple[int, bool]]:
    return [(row.id, row.has_failed) for row in queries.list_unconfirmed()]


def test_who_is_in_the_list(book, bah, person):
    first, second, far = book(phone="+23276123456", is_restricted=True), book(2, 10), book(3)
    assert listed() == [(first.id, False), (second.id, False)]
    assert queries.list_unconfirmed()[0].phone == ""
    told(first, "failed")
    told(second, "delivered")
    assert listed() == [(first.id, True)]
    booking_actions.move(second.id, date=second.date, time=dt.time(11), by=SYSTEM)
    assert listed() == [(first.id, True), (second.id, False)]
    with pytest.raises(NotAllowed):
        actions.confirm_appointment(first.id, by=person("lab"))
    with pytest.raises(NotFound):
        actions.confirm_appointment(first.id, by=person("doctor"))
    actions.confirm_appointment(first.id, by=person("receptionist"))
    assert actions.confirm_appointment(first.id, by=person("nurse")).confirmed_by_id == person("receptionist").id
    assert listed() == [(second.id, False)]
    booking_actions.move(first.id, date=first.date, time=dt.time(9, 30), by=SYSTEM)
    assert (first.confirmed_at, len(listed())) == (None, 2)
    transitions.cancel_appointment(first.id, reason="Ill", by=person("receptionist"))
    with pytest.raises(Conflict, match="booked"):
        actions.confirm_appointment(first.id, by=person("receptionist"))
    settings.change_setting("appointments.confirm_days", 3, by=SYSTEM)
    assert listed() == [(second.id, False), (far.id, False)]
    settings.change_setting("appointments.confirm_days", 0, by=SYSTEM)
    assert listed() == []


def test_pages_and_api_confirm(book, desk, program):
    booking, at = book(phone="+23276123456"), desk("receptionist")
    page = "/appointments/unconfirmed"
    assert "+23276123456" in at.get(page).get_data(as_text=True)
    assert "Unconfirmed appointments" in at.get("/").get_data(as_text=True)
    api = program("receptionist")
    (row,) = api.get(f"/api/appointments/unconfirmed/?doctor={booking.doctor_id}&ordering=-date").json
    assert (row["id"], row["date"], row["has_failed"]) == (booking.id, booking.date.isoformat(), False)
    assert program("lab").get("/api/appointments/unconfirmed/").status_code == 403
    assert api.post(f"/api/appointments/{booking.id}/confirm/").status_code == 204
    assert api.get("/api/appointments/unconfirmed/").json == []
    assert api.post(f"/api/appointments/{booking.id}/undo-confirmation/").status_code == 204
    assert api.post("/api/appointments/999999/confirm/").status_code == 404
