"""The pages of a desk, each as one person who may open it sees it, found in the URL map."""

from __future__ import annotations

from itertools import product
from typing import Any

from flask import Flask
from sqlalchemy import func, inspect, select
from werkzeug.routing import Rule

from hms.appointments.models import PointEntry, QueueEntry, ServicePoint
from hms.billing.models import CashShift, PriceItem
from hms.clinical.models import IssuedDocument, NoteTemplate, VitalsReading
from hms.core.db.session import db as database
from hms.core.permissions import DEFAULT_GRANTS, Permission, Role
from hms.formulary.models import RuleChange
from hms.lab.models import LabOrder
from hms.messages.models import OutgoingMessage
from hms.patients.models import BreakGlass, DuplicatePair, Patient, PatientMerge
from hms.pharmacy.models import GoodsReceipt
from hms.staff.models import RoleChangeRequest, User
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests.house.places import WORDS
from tests.page import PageClient

Seen = tuple[str | None, str]
"""Who opens the page (None: nobody is signed in), and its address."""
PEOPLE = ("receptionist", "nurse", "doctor", "pharmacist", "cashier", "lab", "admin")
WORKS_AT = {"billing": "cashier", "clinical": "doctor", "chart": "doctor", "pharmacy": "pharmacist"}
NAMED = {
    "access": BreakGlass,
    "change": RuleChange,
    "entry": QueueEntry,
    "issued": IssuedDocument,
    "item": PriceItem,
    "merge": PatientMerge,
    "message": OutgoingMessage,
    "order": LabOrder,
    "pair": DuplicatePair,
    "point": ServicePoint,
    "point_entry": PointEntry,
    "reading": VitalsReading,
    "receipt": GoodsReceipt,
    "request": RoleChangeRequest,
    "shift": CashShift,
    "template": NoteTemplate,
}
"""The table of a URL argument whose name is not that of its table."""


class Desk:
    """The pages of the blueprint `name`: of the patient `patient_id`, and of the newest records of every status."""

    def __init__(self, app: Flask, name: str, patient_id: int) -> None:
        self._app, self._patient_id = app, patient_id
        self._rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(f"{name}.")]
        self._people = sorted(PEOPLE, key=lambda one: one != WORKS_AT.get(name, PEOPLE[0]))
        self._clients: dict[str, PageClient] = {}

    def pages(self) -> dict[str, list[Seen]]:
        """Example addresses of each rule that returns whole pages: a record in every status, a form once.

        Rules that return parts of pages or files are left out. A rule that nobody may open has no example.
        """
        with self._app.app_context():
            asked = {rule.rule: self._examples(rule) for rule in self._rules if "GET" in rule.methods}
            database.session.remove()
        return {rule: seen for rule, seen in asked.items() if seen is not None}

    def _examples(self, rule: Rule) -> list[Seen] | None:
        seen: list[Seen] = []
        for address in self._addresses(rule):
            opened = self._opened(rule, address)
            if opened and not opened[1]:
                return None
            if opened:
                seen.append((opened[0], address))
            if seen and not rule.rule.endswith(">"):
                break
        return seen

    def _opened(self, rule: Rule, address: str) -> tuple[str | None, bool] | None:
        """The first role that may open the address, and whether it is a whole page."""
        for who in self._may(self._app.view_functions[rule.endpoint].needs):
            answer = self._client(who).get(address)
            if answer.status_code in (200, 202):
                return who, answer.status_code == 200 and b"<html" in answer.data
        return None

    def _may(self, action: Permission) -> list[str | None]:
        if action is Permission.PUBLIC:
            return [*self._people, None]
        return [who for who in self._people if action is Permission.SIGNED_IN or action in DEFAULT_GRANTS[Role(who)]]

    def _client(self, who: str | None) -> PageClient:
        if who is None:
            return PageClient(self._app)
        if who not in self._clients:
            client = self._clients[who] = PageClient(self._app)
            user = database.session.scalars(select(User).filter_by(username=who)).unique().one()
            with self._app.test_request_context():
                sid = open_session(AuthenticatedAccount(user.id, user.token_version))
            with client.session_transaction() as cookie:
                cookie["sid"] = sid
        return self._clients[who]

    def _addresses(self, rule: Rule) -> list[str]:
        names = sorted(rule.arguments - (rule.defaults or {}).keys())
        values = product(*(self._values(name) for name in names))
        built = (rule.build(dict(zip(names, chosen, strict=True))) for chosen in values)
        return [path for _domain, path in built]

    def _values(self, argument: str) -> list[Any]:
        """The values of a URL argument: the patient, a word, or the newest record of each status of another table."""
        if argument == "patient_id":
            return [self._patient_id, *database.session.scalars(select(Patient.id).filter_by(is_restricted=True))]
        if argument == "hospital_template_id":
            shared = select(func.max(NoteTemplate.id)).filter_by(owner_id=None, department_id=None, is_active=True)
            return list(database.session.scalars(shared))
        if argument in WORDS:
            return [WORDS[argument]]
        table = _table(argument.removesuffix("_id"))
        if table is None:
            return []
        newest = select(func.max(table.id))
        if "status" in inspect(table).columns:
            newest = newest.group_by(table.status)
        return sorted(filter(None, database.session.scalars(newest)), reverse=True)


def _table(word: str) -> Any:
    names = {mapper.class_.__name__.lower(): mapper.class_ for mapper in database.Model.registry.mappers}
    return NAMED.get(word) or names.get(word.replace("_", ""))
