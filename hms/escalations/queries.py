"""Reads of escalations: lists, one with its history, who is told in a step, what is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from hms.core import clock
from hms.core.db.fixed_words import fixed_number, fixed_word
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.messages.enums import Channel
from hms.messages.models import Notification
from hms.messages.queries import wants_channel
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, get_reader, reader_kind, reader_values
from hms.patients.identity.columns import IDENTITY
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import Role, User

from .enums import Cause, Channels, EscalationStatus, Group, StepStatus
from .models import Escalation, EscalationAlert, EscalationStep
from .rules import PlannedStep, put_in_order

NOBODY = "nobody"
FURTHER_STEPS = (2, 3, 4)


def planned_steps() -> list[PlannedStep]:
    """The steps of the settings: the responsible doctor at once, then the others in the order of their minutes."""
    first = PlannedStep(0, Group.RESPONSIBLE, Channels(settings.value("escalations.step_1_channels")))
    further = [
        PlannedStep(
            settings.value(f"escalations.step_{number}_minutes"),
            Group(who),
            Channels(settings.value(f"escalations.step_{number}_channels")),
        )
        for number in FURTHER_STEPS
        if (who := settings.value(f"escalations.step_{number}_who")) != NOBODY
    ]
    return [first, *put_in_order(further)]


@cache
def is_due() -> ColumnElement[bool]:
    """The condition that a step is due; execute it with `due_values`."""
    return exists().where(*_due(bindparam("step_due_at")))


def due_values() -> dict[str, Any]:
    """The value of `is_due` at this moment."""
    return {"step_due_at": clock.now()}


def _due(at: Any) -> tuple[ColumnElement[bool], ...]:
    return EscalationStep.status == StepStatus.PLANNED.value, EscalationStep.due_at <= at


def take_due_step() -> tuple[EscalationStep, Escalation] | None:
    """The step that is due the longest, with its escalation, both locked; None when there is none that no other clock has."""
    query = (
        select(EscalationStep, Escalation)
        .join(Escalation, Escalation.id == EscalationStep.escalation_id)
        .where(*_due(clock.now()), Escalation.status == EscalationStatus.OPEN.value)
        .order_by(EscalationStep.due_at, EscalationStep.escalation_id, EscalationStep.position)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = db.session.execute(query, execution_options={"populate_existing": True}).first()
    return None if row is None else (row.EscalationStep, row.Escalation)


def find_people(group: Group, escalation: Escalation) -> list[int]:
    """The active people of the group. Where it has nobody, all doctors; where there is none, the administrators."""
    choices = {
        Group.RESPONSIBLE: (_responsible, _doctors, _administrators),
        Group.NURSES: (_nurses, _doctors, _administrators),
        Group.DOCTORS: (_doctors, _administrators),
        Group.ADMINISTRATORS: (_administrators,),
    }[group]
    return next((people for find in choices if (people := find(escalation))), [])


def _responsible(escalation: Escalation) -> list[int]:
    return list(db.session.scalars(select(User.id).where(User.id == escalation.doctor_id, User.is_active)))


def _doctors(_escalation: Escalation) -> list[int]:
    return [row.id for row in _people_with(Permission.ACKNOWLEDGE_ESCALATION) if _may(row, Permission.WRITE_ENCOUNTER)]


def _nurses(escalation: Escalation) -> list[int]:
    """The others who may acknowledge: those of the responsible doctor's department, or all when it has none."""
    people = _people_with(Permission.ACKNOWLEDGE_ESCALATION)
    nurses = [row for row in people if not _may(row, Permission.WRITE_ENCOUNTER)]
    department_id = db.session.scalar(select(User.department_id).where(User.id == escalation.doctor_id))
    near = [row.id for row in nurses if department_id is not None and row.department_id == department_id]
    return near or [row.id for row in nurses]


def _administrators(_escalation: Escalation) -> list[int]:
    return [row.id for row in _people_with(Permission.ADMINISTER)]


def _people_with(permission: Permission) -> list[Row]:
    query = select(User.id, User.department_id, Role.grants).join(Role, Role.id == User.role_id)
    query = query.where(User.is_active, Role.grants.contains([permission.value]))
    return list(db.session.execute(query.order_by(User.id)))


def _may(row: Row, permission: Permission) -> bool:
    return permission.value in row.grants


_DOCTOR, _ACKNOWLEDGER = aliased(User, name="doctor"), aliased(User, name="acknowledger")


def select_escalations(who: Person) -> Select:
    """Escalations that `who` may know of, with patient, names, and how many steps are done. Of a record that is closed to
    `who` only that there is one: see `is_open`."""
    return _select(get_reader(who), sees_charts=who.may(Permission.OPEN_CHART))


def _select(reader: Reader, *, sees_charts: bool) -> Select:
    step = EscalationStep
    of_this = step.escalation_id == Escalation.id
    done = select(func.count()).where(of_this, step.status == StepStatus.DONE.value)
    query = (
        select(
            *(getattr(Escalation, name) for name in _SHOWN),
            select(func.count()).where(of_this).scalar_subquery().label("steps"),
            done.scalar_subquery().label("steps_done"),
            select(func.min(step.due_at))
            .where(of_this, step.status == StepStatus.PLANNED.value)
            .scalar_subquery()
            .label("next_step_at"),
            display_name_column(_DOCTOR).label("doctor_name"),
            display_name_column(_ACKNOWLEDGER).label("acknowledged_by"),
            *IDENTITY,
            *policy.access_columns(reader, Escalation.patient_id),
        )
        .join(Patient, Patient.id == Escalation.patient_id)
        .outerjoin(_DOCTOR, _DOCTOR.id == Escalation.doctor_id)
        .outerjoin(_ACKNOWLEDGER, _ACKNOWLEDGER.id == Escalation.acknowledged_by_id)
    )
    return query if sees_charts else query.where(Escalation.lab_result_id.is_not(None))


_SHOWN = (
    *("id", "patient_id", "vitals_reading_id", "lab_result_id", "encounter_id", "doctor_id", "subject", "value"),
    *("status", "began_at", "ended_at", "acknowledged_by_id", "acknowledged_at", "read_back", "replaced_by_id"),
)


def is_about(cause: Cause) -> ColumnElement[bool]:
    """The condition that the escalation has this cause."""
    column = Escalation.vitals_reading_id if cause is Cause.VITALS else Escalation.lab_result_id
    return column.is_not(None)


def cause_of(row: Any) -> Cause:
    """The cause of an escalation, or of a row of `select_escalations`."""
    return Cause.VITALS if row.vitals_reading_id is not None else Cause.RESULT


def get_escalation(escalation_id: int, who: Person) -> Row:
    """One row of `select_escalations`; raises `NotFound`, and `RecordRestricted` when the record is closed to `who`."""
    row = db.session.execute(select_escalations(who).where(Escalation.id == escalation_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This escalation does not exist."))
    policy.check_marked(row, who)
    return row


class OpenEscalations(NamedTuple):
    """The open escalations that began first, and the number of all."""

    rows: list[Row]
    count: int


def list_open(who: Person, limit: int) -> OpenEscalations:
    """The open escalations that `who` may know of, the oldest first."""
    query = _open_ones(reader_kind(who), sees_charts=who.may(Permission.OPEN_CHART))
    rows = list(db.session.execute(query, reader_values(who) | {"limit": limit}))
    return OpenEscalations(rows, rows[0].total if rows else 0)


@cache
def _open_ones(kind: ReaderKind, *, sees_charts: bool) -> Select:
    is_open = Escalation.status == fixed_word(EscalationStatus.OPEN.value)
    query = _select(kind.reader(), sees_charts=sees_charts).where(is_open)
    counted = query.add_columns(func.count().over().label("total"))
    return counted.order_by(Escalation.began_at, Escalation.id).limit(fixed_number("limit"))


PAGE = 25


class EscalationPage(NamedTuple):
    """A page of the list, and the id after which the next page begins."""

    rows: list[Row]
    after: int | None


def list_page(who: Person, status: EscalationStatus | None, *, after: int | None = None) -> EscalationPage:
    """A page of 25: the open ones oldest first, others newest first; `after` is the id of the last row of the page before."""
    query = select_escalations(who)
    if status is not None:
        query = query.where(Escalation.status == status.value)
    is_ascending = status is EscalationStatus.OPEN
    if after is not None:
        query = query.where(Escalation.id > after if is_ascending else Escalation.id < after)
    query = query.order_by(Escalation.id.asc() if is_ascending else Escalation.id.desc())
    rows = list(db.session.execute(query.limit(PAGE + 1)))
    return EscalationPage(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


@dataclass(frozen=True)
class ShownStep:
    """A step with the names of those who were told."""

    position: int
    who: Group
    channels: Channels
    minutes: int
    due_at: Any
    status: StepStatus
    done_at: Any
    told: list[str]


def list_steps(escalation_id: int) -> list[ShownStep]:
    """The steps of an escalation in their order."""
    steps = db.session.scalars(
        select(EscalationStep).filter_by(escalation_id=escalation_id).order_by(EscalationStep.position)
    ).all()
    told = _names_told(step.id for step in steps)
    return [
        ShownStep(
            position=step.position,
            who=Group(step.who),
            channels=Channels(step.channels),
            minutes=step.minutes,
            due_at=step.due_at,
            status=StepStatus(step.status),
            done_at=step.done_at,
            told=told.get(step.id, []),
        )
        for step in steps
    ]


def _names_told(step_ids: Iterable[int]) -> dict[int, list[str]]:
    query = select(EscalationAlert.step_id, display_name_column()).join(User, User.id == EscalationAlert.user_id)
    told: dict[int, list[str]] = {}
    for step_id, name in db.session.execute(
        query.where(EscalationAlert.step_id.in_(list(step_ids))).order_by(EscalationAlert.id)
    ):
        told.setdefault(step_id, []).append(name)
    return told


def count_told(user_id: int) -> int:
    """The number of open escalations of which this person was told."""
    query = (
        select(func.count(func.distinct(Escalation.id)))
        .join(EscalationStep, EscalationStep.escalation_id == Escalation.id)
        .join(EscalationAlert, EscalationAlert.step_id == EscalationStep.id)
    )
    is_open = Escalation.status == EscalationStatus.OPEN.value
    return db.session.scalars(query.where(EscalationAlert.user_id == user_id, is_open)).one()


def find_alert_to_send(notification_id: int) -> Row | None:
    """What is sent out of an alert of a step: the person's language and addresses, blank where neither the step nor the
    person wants it; None when the escalation has ended."""
    channels = EscalationStep.channels
    has_sms = channels.in_([str(one) for one in Channels if one.has_sms])
    has_email = channels.in_([str(one) for one in Channels if one.has_email])
    phone = case((or_(has_sms, wants_channel(Channel.SMS)), User.phone), else_="").label("phone")
    email = case((or_(has_email, wants_channel(Channel.EMAIL)), User.email), else_="").label("email")
    alert = EscalationAlert
    query = (
        select(
            *(Notification.url, Notification.created_at, alert.user_id, User.language, phone, email),
            *(EscalationStep.position, Escalation.id.label("escalation_id")),
        )
        .join(EscalationStep, EscalationStep.id == alert.step_id)
        .join(Escalation, Escalation.id == EscalationStep.escalation_id)
        .join(Notification, Notification.id == alert.notification_id)
        .join(User, User.id == alert.user_id)
    )
    is_needed = and_(Escalation.status == EscalationStatus.OPEN.value, User.is_active)
    return db.session.execute(query.where(alert.notification_id == notification_id, is_needed)).one_or_none()
