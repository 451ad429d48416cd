"""The filters of the audit trail, of the list of who opened a record, and of the sign-ins."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.core.web.filters import DaysForm
from hms.core.web.forms import Text, WholeField
from hms.patients.search import queries as patients
from hms.staff import directory as staff
from hms.staff.login_security import activity

from .audit_trail import labels, queries

MAX_SEARCH_DAYS = 31


class AuditFilterForm(DaysForm):
    """The filters of the audit trail; all are optional and in the address."""

    who = Text(_l("User"), longest=150)
    patient = Text(_l("Patient"), longest=100)
    did = SelectField(_l("Action"), default="", validate_choice=False)
    outcome = SelectField(
        _l("Outcome"),
        choices=[
            SelectChoice("", _l("Any")),
            SelectChoice("success", _l("Successful")),
            SelectChoice("denied", _l("Denied")),
        ],
        default="",
    )
    entity = SelectField(_l("Record"), default="", validate_choice=False)
    number = WholeField(_l("Number"))
    words = Text(_l("Text in a value"), longest=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.did.choices = [SelectChoice(*choice) for choice in labels.action_choices()]
        self.entity.choices = [SelectChoice(*choice) for choice in labels.record_choices()]

    def validate(self, extra_validators: Any = None) -> bool:
        """Text is searched only in a period of at most `MAX_SEARCH_DAYS`. An unknown name is no error: no entry matches."""
        is_valid = super().validate(extra_validators)
        if is_valid and self.words.data and not self._is_short_period():
            self.words.errors = [*self.words.errors, N_("To search for text, choose a period of at most 31 days.")]
            return False
        return is_valid

    def _is_short_period(self) -> bool:
        first, last = self.day_from.data, self.day_to.data or clock.today()
        return first is not None and (last - first).days <= MAX_SEARCH_DAYS

    def filters(self, who: Any, before: int | None = None) -> queries.AuditFilter:
        """The filters for the query. `RuleBroken` when too many patients or people have the name."""
        actions, is_emergency = labels.actions_for_choice(self.did.data or "")
        return queries.AuditFilter(
            day_from=self.day_from.data,
            day_to=self.day_to.data,
            actor_ids=_limited(staff.find_account_ids(self.who.data, queries.MAX_FILTERED + 1), "who")
            if self.who.data
            else None,
            patient_ids=self._patients(who) if self.patient.data else None,
            actions=actions,
            outcome=self.outcome.data or None,
            entity=self.entity.data or None,
            entity_id=self.number.data,
            is_emergency=is_emergency,
            words=self.words.data or "",
            before=before,
        )

    def _patients(self, who: Any) -> tuple[int, ...]:
        patients.check_number(self.patient.data, "patient", who=who)
        hits = patients.search_patients(self.patient.data, limit=queries.MAX_FILTERED + 1, who=who)
        exact = [hit for hit in hits if not hit.is_similar]
        return _limited([hit.id for hit in exact or hits], "patient")


def _limited(ids: list[int], field: str) -> tuple[int, ...]:
    if len(ids) > queries.MAX_FILTERED:
        raise RuleBroken(N_("Too many matches. Enter more of the name, or the number."), field)
    return tuple(ids)


class SignInFilterForm(DaysForm):
    """The filters of the sign-ins; all are optional and in the address."""

    account = Text(_l("Account"), longest=254)
    address = Text(_l("Address"), longest=45)
    outcome = SelectField(_l("Outcome"), validate_choice=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcomes = [SelectChoice(status, label) for status, (_tone, label) in activity.OUTCOMES.items()]
        groups = [
            SelectChoice("", gettext("Any")),
            SelectChoice("refused", gettext("All denied")),
            SelectChoice("good", gettext("All successful")),
        ]
        self.outcome.choices = [*groups, *outcomes]
