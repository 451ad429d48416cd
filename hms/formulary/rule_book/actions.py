"""Changes of the safety rules: one pharmacist proposes, another one approves or declines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from hms.billing.corrections.rules import check_approver, check_independent
from hms.core import clock
from hms.core.actions import action
from hms.core.data_files import BROKEN
from hms.core.db.advisory_locks import AdvisoryLock, acquire
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.medicines import catalogue
from hms.formulary.models import RuleChange, RuleChangeLine
from hms.formulary.safety.rule_lists import LISTS, build_knowledge
from hms.messages.actions import notify, notify_everyone_with
from hms.staff import directory as staff

from . import current_rules, rules
from .current_rules import RuleBook
from .queries import list_lines, load_book, rows_with

APPROVED, DECLINED, WITHDRAWN = "approved", "declined", "withdrawn"
NAMING = ("substances", "allergy_classes", "interaction_families", "medicine_groups")
"""The lists of names, which the other lists use."""
CHANGED_MEANWHILE = N_("A rule of this proposal was changed meanwhile. Decline it, and propose the change again.")
PAGE = "/pharmacy/rules/changes"


@dataclass(frozen=True)
class ProposedLine:
    """One line of a proposal: without `key` it is added, without `cells` it is retired. `keeps` says that the line stays as it
    is, although the program brings another one."""

    list_name: str
    key: str | None = None
    cells: Mapping[str, str] | None = None
    keeps: bool = False


@action(Permission.CHANGE_RULES, "formulary.propose_rules")
def propose(lines: Sequence[ProposedLine], *, reason: str, source: str = "", by: Person) -> RuleChange:
    """Propose to add, change or retire lines. Without `source` the sources in the lines count.

    Raises `RuleBroken` at the wrong column, `NotFound` for an unknown list or line, and `Conflict` while a change of one of
    the lines waits.
    """
    book = load_book()
    names = rules.Names(_rows_with_names(book, lines))
    written = [_written_line(book, line, names) for line in lines]
    if not written:
        raise RuleBroken(N_("Nothing would change."), code="no_change")
    _check_nothing_waits([line.key for line in written])
    _check_result(book, written)
    named = source or next((line.after["source"] for line in written if line.after and line.after.get("source")), "")
    change = RuleChange(
        reason=rules.clean_required(reason, "reason", N_("Enter the reason.")),
        source=rules.clean_required(named, "source", N_("Enter the source.")),
        proposed_by_id=by.id,
    )
    db.session.add(change)
    db.session.flush()
    for line in written:
        line.change_id = change.id
    db.session.add_all(written)
    db.session.flush()
    notify_everyone_with(
        Permission.CHANGE_RULES,
        title=N_("A change of the safety rules waits for a second pharmacist"),
        message=by.name,
        url=f"{PAGE}/{change.id}",
        except_for=by,
        by=by,
    )
    return change


def _rows_with_names(book: RuleBook, lines: Iterable[ProposedLine]) -> rules.Rows:
    """The lines in force, with those that are proposed: they may name each other."""
    rows = book.rows()
    for line in lines:
        if line.cells is not None and line.list_name in NAMING:
            cells = {name: line.cells.get(name, "") for name in LISTS[line.list_name].columns}
            rows[line.list_name] = [*rows[line.list_name], ("", cells)]
    return rows


def _written_line(book: RuleBook, line: ProposedLine, names: rules.Names) -> RuleChangeLine:
    rule_list = LISTS.get(line.list_name)
    known = book.lines.get(line.key) if line.key else None
    if rule_list is None or (line.key and (known is None or known.rule_list is not rule_list)):
        raise NotFound(N_("This rule does not exist."))
    before = known.cells if known else None
    if line.keeps:
        after = before
    elif line.cells is None:
        after = None
    else:
        after = rules.clean_line(rule_list, line.cells, names)
    key = line.key or rule_list.key_of(after or {})
    other = book.lines.get(key)
    if known is None and other is not None:
        if other.cells is not None:
            raise RuleBroken(N_("This rule is on the list already. Change that one."), rule_list.identity[0])
        known = other
    if before == after and not (line.keeps and known is not None and known.differs):
        raise RuleBroken(N_("Nothing would change."), code="no_change")
    shipped = known.shipped if known else None
    return RuleChangeLine(list_name=rule_list.name, key=key, before=before, after=after, shipped=shipped)


def _check_nothing_waits(keys: Iterable[str]) -> None:
    waiting = select(RuleChange.id).join(RuleChangeLine, RuleChangeLine.change_id == RuleChange.id)
    waiting = waiting.where(RuleChange.decision.is_(None), RuleChangeLine.key.in_(list(keys)))
    found = db.session.scalars(waiting.limit(1)).first()
    if found is not None:
        message = N_("A change of this rule waits already (proposal %(number)s). Decide or withdraw it first.")
        raise Conflict(message, code="asked_already", number=found)


def _check_result(book: RuleBook, lines: Iterable[RuleChangeLine]) -> None:
    """Raise `RuleBroken` when the lists with these lines could not be used: a name that no list has, a rule twice."""
    rows = rows_with(book, lines)
    rules.check_references(book.rows(), rows)
    rules.check_groups(rows)
    for name, of_list in rows.items():
        keys = [LISTS[name].key_of(line) for _key, line in of_list]
        if len(set(keys)) < len(keys):
            raise RuleBroken(N_("This rule is on the list already. Change that one."), LISTS[name].identity[0])
    try:
        build_knowledge(book.version, rows)
    except BROKEN as error:
        raise RuleBroken(N_("The lists cannot be read with this change. Check each field.")) from error


@action(Permission.CHANGE_RULES, "formulary.approve_rules")
def approve(change_id: int, *, by: Person) -> RuleChange:
    """Approve another person's proposal: a new version of the rules counts at once. Raises `Conflict` when it is decided
    already, or when one of its lines was changed meanwhile."""
    change = _lock_undecided(change_id, by)
    check_independent(
        requester_opened_approver=staff.is_opened_lately(change.proposed_by_id, by.id),
        approver_opened_requester=staff.is_opened_lately(by.id, change.proposed_by_id),
    )
    acquire(AdvisoryLock.RULES)
    current_rules.forget_version()
    book, lines = load_book(), list_lines(change.id)
    for line in lines:
        known = book.lines.get(line.key)
        if (known.cells if known else None) != line.before or (known.shipped if known else None) != line.shipped:
            raise Conflict(CHANGED_MEANWHILE, code="changed_meanwhile")
    _check_result(book, lines)
    last = db.session.execute(select(func.max(RuleChange.number))).scalar_one()
    change.number, change.shipped_version = (last or 0) + 1, catalogue.read_rules_version()
    _decide(change, APPROVED, N_("Your change of the safety rules was approved and counts now"), by)
    current_rules.forget_version()
    return change


@action(Permission.CHANGE_RULES, "formulary.decline_rules")
def decline(change_id: int, *, reason: str, by: Person) -> RuleChange:
    """Decline another person's proposal, with a reason."""
    change = _lock_undecided(change_id, by)
    change.decision_note = rules.clean_required(reason, "reason", N_("Enter the reason for declining."))
    _decide(change, DECLINED, N_("Your change of the safety rules was declined"), by)
    return change


@action(Permission.CHANGE_RULES, "formulary.withdraw_rules")
def withdraw(change_id: int, *, by: Person) -> RuleChange:
    """Withdraw the person's own proposal before it is decided; `NotFound` for the proposal of another person."""
    change = get_for_update(RuleChange, change_id)
    if change.proposed_by_id != by.id:
        raise NotFound(N_("This proposal does not exist."))
    rules.check_undecided(change.decision)
    _decide(change, WITHDRAWN, None, by)
    return change


def _lock_undecided(change_id: int, by: Person) -> RuleChange:
    change = get_for_update(RuleChange, change_id)
    rules.check_undecided(change.decision)
    check_approver(change.proposed_by_id, by.id)
    return change


def _decide(change: RuleChange, decision: str, notice: str | None, by: Person) -> None:
    change.decision, change.decided_by_id, change.decided_at = decision, by.id, clock.now()
    db.session.flush()
    if notice:
        notify(change.proposed_by_id, title=notice, message=by.name, url=f"{PAGE}/{change.id}", by=by)
