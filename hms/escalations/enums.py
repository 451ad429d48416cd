"""The states of an escalation and of its steps; who is told, and over which channels."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l


class EscalationStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CORRECTED = "corrected"


STATUS_LABELS = {
    EscalationStatus.OPEN: _l("Open"),
    EscalationStatus.ACKNOWLEDGED: _l("Acknowledged"),
    EscalationStatus.CORRECTED: _l("Value corrected"),
}
STATUS_TONES = {
    EscalationStatus.OPEN: "stop",
    EscalationStatus.ACKNOWLEDGED: "good",
    EscalationStatus.CORRECTED: "neutral",
}
ESCALATION_TRANSITIONS = {
    EscalationStatus.OPEN: frozenset({EscalationStatus.ACKNOWLEDGED, EscalationStatus.CORRECTED}),
    EscalationStatus.ACKNOWLEDGED: frozenset({EscalationStatus.CORRECTED}),
    EscalationStatus.CORRECTED: frozenset[EscalationStatus](),
}
"""The states that may follow each one. Only a named person ends an open one, or a correction of its value."""


class StepStatus(StrEnum):
    """DROPPED: the escalation ended before the step was due."""

    PLANNED = "planned"
    DONE = "done"
    DROPPED = "dropped"


STEP_TRANSITIONS = {
    StepStatus.PLANNED: frozenset({StepStatus.DONE, StepStatus.DROPPED}),
    StepStatus.DONE: frozenset[StepStatus](),
    StepStatus.DROPPED: frozenset[StepStatus](),
}


class Cause(StrEnum):
    """What the critical value is: a score of vital signs, or a result of the laboratory."""

    VITALS = "vitals"
    RESULT = "result"


CAUSE_LABELS = {Cause.VITALS: _l("Vital signs"), Cause.RESULT: _l("Laboratory result")}


class Group(StrEnum):
    """Who is told in a step."""

    RESPONSIBLE = "responsible"
    NURSES = "nurses"
    DOCTORS = "doctors"
    ADMINISTRATORS = "administrators"


GROUP_LABELS = {
    Group.RESPONSIBLE: _l("The responsible doctor"),
    Group.NURSES: _l("Nurses of the department"),
    Group.DOCTORS: _l("All doctors"),
    Group.ADMINISTRATORS: _l("Administrators"),
}


class Channels(StrEnum):
    """Over which channels a step tells people, beside those that they chose themselves."""

    PAGE = "page"
    PAGE_SMS = "page_sms"
    PAGE_EMAIL = "page_email"
    ALL = "all"

    @property
    def has_sms(self) -> bool:
        return self in (Channels.PAGE_SMS, Channels.ALL)

    @property
    def has_email(self) -> bool:
        return self in (Channels.PAGE_EMAIL, Channels.ALL)


CHANNEL_LABELS = {
    Channels.PAGE: _l("Open pages"),
    Channels.PAGE_SMS: _l("Open pages and SMS"),
    Channels.PAGE_EMAIL: _l("Open pages and e-mail"),
    Channels.ALL: _l("Open pages, SMS and e-mail"),
}
