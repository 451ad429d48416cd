"""Several administrators at once, with real connections and real commits."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hms.core.background.scheduler import Scheduler
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.schedule import PeriodicTask
from hms.staff.accounts import actions as account_actions
from hms.staff.models import OneTimeLink, Role, RoleChangeRequest, User
from hms.staff.onboarding import actions as onboarding_actions
from hms.staff.onboarding import one_time_links
from hms.staff.role_requests import actions as role_request_actions
from hms.staff.roles import actions as role_actions
from hms.staff.roles import assignment
from tests.staff.factories import GOOD, account, role, user, who

pytestmark = pytest.mark.security("N")


def _administrators():
    needed = ["staff.manage", "staff.manage_roles"]
    query = select(func.count()).select_from(User).join(Role, User.role_id == Role.id)
    return db.session.execute(query.where(User.is_active, Role.grants.contains(needed))).scalar_one()


def test_administrators_who_close_or_demote_each_other_leave_one(in_parallel):
    names = ["admin", *(f"admin{number}" for number in range(2, 7))]
    for name in names[1:]:
        account(name)
    people = {name: (user(name).id, who(name)) for name in names}
    nurse = role("nurse").id

    def act(number):
        victim, by = people[names[(number + 1) % len(names)]][0], people[names[number]][1]
        if number % 2:
            return lambda: account_actions.deactivate(victim, by=by)
        return lambda: assignment.assign_role(victim, nurse, by=by)

    results = in_parallel([act(number) for number in range(len(names))])
    db.session.rollback()
    assert _administrators() >= 1
    assert any(isinstance(result, DomainError) for result in results)


def test_two_who_demote_each_other_leave_exactly_one(in_parallel):
    account("second")
    first, second = (user("admin").id, who("admin")), (user("second").id, who("second"))
    tasks = [
        lambda: assignment.assign_role(second[0], None, by=first[1]),
        lambda: assignment.assign_role(first[0], None, by=second[1]),
    ]
    results = in_parallel(tasks)
    db.session.rollback()
    assert _administrators() == 1
    assert sum(isinstance(result, DomainError) for result in results) == 1


def test_the_grants_of_two_roles_of_administrators_do_not_vanish_together(in_parallel):
    by = who("admin")
    head = role_actions.add_role(name="Head", grants=role("admin").grants, by=by)
    account("head", head.code)
    second = who("head")
    tasks = [
        lambda: role_actions.change_role(head.id, grants=[], by=by),
        lambda: role_actions.change_role(role_id, grants=[], by=second),
    ]
    role_id = role("admin").id
    in_parallel(tasks)
    db.session.rollback()
    assert _administrators() == 1


def test_a_link_used_by_many_at_once_sets_one_password(in_parallel):
    secret = one_time_links.make_link(user("nurse").id, by=who("admin"))
    results = in_parallel([lambda n=n: one_time_links.use_link(secret, password=f"{GOOD} {n}") for n in range(8)])
    db.session.rollback()
    assert sum(isinstance(result, User) for result in results) == 1
    assert db.session.scalars(select(OneTimeLink.used_at)).one() is not None


def test_two_decisions_on_one_request_count_once(in_parallel):
    account("second")
    request = role_request_actions.request_role(requested_role_id=role("lab").id, reason="x", by=who("nurse"))
    first, second, request_id = who("admin"), who("second"), request.id
    results = in_parallel(
        [
            lambda: role_request_actions.approve_request(request_id, by=first),
            lambda: role_request_actions.reject_request(request_id, by=second),
        ]
    )
    db.session.rollback()
    assert sum(isinstance(result, DomainError) for result in results) == 1
    status = db.session.scalars(select(RoleChangeRequest.status)).one()
    assert (status, user("nurse").role.code) in {("approved", "lab"), ("rejected", "nurse")}


def test_the_same_username_registered_at_once_gives_each_an_account_of_its_own(in_parallel, real_app):
    settings.change_setting("staff.registration_open", True, by=who("admin"))
    settings.clear_cache()
    wish = {"username": "newcomer", "last_name": "New"}
    results = in_parallel(
        [lambda n=n: onboarding_actions.register(**wish, password=f"{GOOD} {n}", by=SYSTEM) for n in range(4)]
    )
    db.session.rollback()
    names = set(db.session.scalars(select(User.username).where(User.awaits_approval)))
    assert results == [None] * 4
    assert names == {"newcomer", "newcomer2", "newcomer3", "newcomer4"}


def test_the_scheduler_does_not_block_administrators(real_app):
    closed = []

    def close_an_account():
        try:
            closed.append(account_actions.deactivate(user("lab").id, by=SYSTEM))
        finally:
            scheduler.stop()

    scheduler = Scheduler([PeriodicTask("close an account", 1, close_an_account)])
    scheduler._run_while_locked()
    assert len(closed) == 1
