"""Note templates: texts that a shortcut (";uri") inserts, and order sets: medicines to prescribe together. They belong to a
person, a department or the hospital."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, Select, bindparam, case, or_, select

from hms.clinical.models import NoteTemplate
from hms.core.actions import STALE_MESSAGE, action, action_context
from hms.core.data_files import read_complete_rows
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import NotFound, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_

from .order_lines import check_lines

OWN, DEPARTMENT, HOSPITAL = "own", "department", "hospital"
NOTE, ORDERS = "note", "orders"
KINDS = {NOTE: _l("Text for notes"), ORDERS: _l("Order set: medicines")}
SCOPES = {OWN: _l("Me"), DEPARTMENT: _l("My department"), HOSPITAL: _l("The hospital")}
MAX_LENGTH = 5000
STARTING_LIST = Path(__file__).parents[1] / "data" / "note_templates.csv"
_SHORTCUT = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")


def get_scope(template: Any) -> str:
    """The owner of a template: a key of `SCOPES`."""
    if template.owner_id is not None:
        return OWN
    return DEPARTMENT if template.department_id is not None else HOSPITAL


def list_templates(who: Person, *kinds: str) -> list[NoteTemplate]:
    """The templates of these kinds (none named: of all) that `who` may use: their own, then their department's, then the
    hospital's."""
    of_kind = select(NoteTemplate).where(NoteTemplate.kind.in_(kinds or KINDS))
    return list(db.session.scalars(filter_readable(of_kind, who)))


def list_titles(who: Person) -> Sequence[Row]:
    """Id, kind, shortcut and title of the templates that `who` may use."""
    return db.session.execute(_titles(), {"person_id": who.id, "department_id": who.department_id or 0}).all()


@cache
def _titles() -> Select:
    shown = select(NoteTemplate.id, NoteTemplate.kind, NoteTemplate.shortcut, NoteTemplate.title)
    return _filter_readable(shown, bindparam("person_id"), bindparam("department_id"))


def filter_readable(templates: Select, who: Person) -> Select:
    """`templates` narrowed to active ones of `who`, of their department and of the hospital, in this order."""
    return _filter_readable(templates, who.id, who.department_id or 0)


def _filter_readable(templates: Select, person_id: Any, department_id: Any) -> Select:
    rank = case((NoteTemplate.owner_id.is_not(None), 0), (NoteTemplate.department_id.is_not(None), 1), else_=2)
    is_hospital = NoteTemplate.owner_id.is_(None) & NoteTemplate.department_id.is_(None)
    is_allowed = or_(NoteTemplate.owner_id == person_id, is_hospital, NoteTemplate.department_id == department_id)
    return templates.where(NoteTemplate.is_active, is_allowed).order_by(rank, NoteTemplate.shortcut)


def get_readable(template_id: int, who: Person) -> NoteTemplate:
    """A template that `who` may use; raises `NotFound`."""
    query = select(NoteTemplate).where(NoteTemplate.id == template_id)
    template = db.session.scalars(filter_readable(query, who)).one_or_none()
    if template is None:
        raise NotFound(N_("This template does not exist."))
    return template


def may_change(template: NoteTemplate, who: Person) -> bool:
    """Whether the template belongs to `who` or to their department."""
    return template.owner_id == who.id or (
        template.department_id is not None and template.department_id == who.department_id
    )


@action(Permission.WRITE_ENCOUNTER, "clinical.save_template")
def save_template(
    template_id: int | None = None,
    *,
    title: str,
    shortcut: str,
    content: str,
    kind: str = NOTE,
    belongs_to: str = OWN,
    version: int | None = None,
    by: Person,
) -> NoteTemplate:
    """Add or change a template of one's own or of one's department; its `kind` stays. Raises `StaleVersion` for an old
    `version`."""
    template = _new(kind) if template_id is None else _get_own_template(template_id, by)
    template.owner_id, template.department_id = _owner_ids(belongs_to, by)
    return _save(template, title, shortcut, content, version)


@action(Permission.MANAGE_TEMPLATES, "clinical.save_of_hospital")
def save_hospital_template(
    template_id: int | None = None,
    *,
    title: str,
    shortcut: str,
    content: str,
    kind: str = NOTE,
    version: int | None = None,
    by: Person,
) -> NoteTemplate:
    """Add or change a template of the hospital; its `kind` stays. Raises `StaleVersion` for an old `version`."""
    template = _new(kind) if template_id is None else get_hospital_template(template_id)
    return _save(template, title, shortcut, content, version)


@action(Permission.MANAGE_TEMPLATES, "clinical.withdraw_of_hospital")
def withdraw_hospital_template(template_id: int, *, by: Person) -> None:
    """Withdraw a template of the hospital; notes with its text do not change."""
    get_hospital_template(template_id).is_active = False
    db.session.flush()


def get_hospital_template(template_id: int) -> NoteTemplate:
    """An active template of the hospital; raises `NotFound`."""
    template = get_or_not_found(NoteTemplate, template_id)
    if not template.is_active or get_scope(template) != HOSPITAL:
        raise NotFound(N_("This template does not exist."))
    return template


def list_hospital_templates() -> list[NoteTemplate]:
    """The active templates of the hospital, by shortcut."""
    is_hospital = NoteTemplate.owner_id.is_(None) & NoteTemplate.department_id.is_(None)
    rows = select(NoteTemplate).where(NoteTemplate.is_active, is_hospital)
    return list(db.session.scalars(rows.order_by(NoteTemplate.shortcut)))


def _new(kind: str) -> NoteTemplate:
    if kind not in KINDS:
        raise RuleBroken(N_("Choose what the template is for."), "kind")
    return NoteTemplate(kind=kind)


def _save(template: NoteTemplate, title: str, shortcut: str, content: str, version: int | None) -> NoteTemplate:
    if version is not None and template.id is not None and version != template.version:
        raise StaleVersion(STALE_MESSAGE)
    template.title = _clean_required(title, "title", 100, N_("Enter the title of the template."))
    template.shortcut = _clean_shortcut(shortcut)
    template.content = _clean_required(
        content, "content", MAX_LENGTH, N_("Enter the text of the template."), multiline=True
    )
    if template.kind == ORDERS:
        check_lines(template.content)
    if template.id is not None:
        template.increment_version()
    db.session.add(template)
    db.session.flush()
    return template


@action(Permission.WRITE_ENCOUNTER, "clinical.withdraw_template")
def withdraw_template(template_id: int, *, by: Person) -> None:
    """Withdraw a template; notes with its text do not change."""
    _get_own_template(template_id, by).is_active = False
    db.session.flush()


def _get_own_template(template_id: int, by: Person) -> NoteTemplate:
    template = get_or_not_found(NoteTemplate, template_id)
    if not template.is_active or not may_change(template, by):
        raise NotFound(N_("This template does not exist."))
    return template


def _owner_ids(belongs_to: str, by: Person) -> tuple[int | None, int | None]:
    if belongs_to == OWN:
        return by.id, None
    if belongs_to == DEPARTMENT and by.department_id is not None:
        return None, by.department_id
    raise RuleBroken(N_("Choose the owner: you, or your department if you have one."), "belongs_to")


def _clean_shortcut(typed: str) -> str:
    shortcut = typed.strip().lower().removeprefix(";")
    if not _SHORTCUT.fullmatch(shortcut):
        raise RuleBroken(N_("Enter a short word of letters and digits, for example uri."), "shortcut")
    return shortcut


def _clean_required(text: str, field: str, longest: int, missing: str, *, multiline: bool = False) -> str:
    cleaned = clean_field(text, field, longest=longest, multiline=multiline)
    if not cleaned:
        raise RuleBroken(missing, field)
    return cleaned


def load_starting_list(*, by: Person) -> int:
    """Add the templates of `data/note_templates.csv` whose shortcut is new; returns their number."""
    with action_context("clinical.load_templates", by):
        known = set(db.session.scalars(_hospital_shortcuts()))
        new = [NoteTemplate(**row) for row in read_complete_rows(STARTING_LIST) if row["shortcut"] not in known]
        db.session.add_all(new)
    return len(new)


def _hospital_shortcuts() -> Select:
    """The shortcuts of the hospital's own templates, withdrawn ones included."""
    return select(NoteTemplate.shortcut).where(NoteTemplate.owner_id.is_(None), NoteTemplate.department_id.is_(None))
