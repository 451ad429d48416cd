"""A person chooses a password: the only way in which one is ever set."""

from __future__ import annotations

from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.staff.login_security import password_rules, passwords
from hms.staff.models import User
from hms.staff.sessions.revocation import end_access, end_links


def hash_new_password(user: User, password: str, *, field: str = "password") -> str:
    """The hash of a new password that the rules allow; `RuleBroken` on `field` otherwise.

    Call it before the action that keeps the password: a connection to the database is not held while hashing.
    """
    password_rules.check_password(password, personal_words(user), field, shortest=settings.value("staff.shortest_password"))
    return passwords.hash_secret(password)


def set_password(user: User, password_hash: str, *, but_session: int | None = None) -> None:
    """Keep a new password, and end every other way in."""
    user.password_hash = password_hash
    end_links(user)
    end_access(user, but_session=but_session)
    db.session.flush()


def personal_words(user: User) -> list[str]:
    """What somebody who knows the person would try first."""
    return [
        user.username,
        user.email.partition("@")[0],
        user.first_name,
        user.last_name,
        settings.value("hospital.name"),
    ]
