"""Hashes and sets a new password. Every password is set through these functions."""

from __future__ import annotations

from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.staff.login_security import password_rules, passwords
from hms.staff.models import User
from hms.staff.sessions.revocation import end_access, end_links


def hash_new_password(user: User, password: str, *, field: str = "password") -> str:
    """Check a new password and return its hash; raises `RuleBroken` on `field`.

    Call it before the action that stores the hash: hashing must not hold a database connection.
    """
    password_rules.check_password(
        password, personal_words(user), field, shortest=settings.value("staff.shortest_password")
    )
    return passwords.hash_secret(password)


def set_password(user: User, password_hash: str, *, but_session: int | None = None) -> None:
    """Set a new password and end the account's links, tokens and sessions, except `but_session`."""
    user.password_hash = password_hash
    end_links(user)
    end_access(user, but_session=but_session)
    db.session.flush()


def personal_words(user: User) -> list[str]:
    """Words that the person's password must not consist of: names, e-mail address, the hospital's name."""
    return [
        user.username,
        user.email.partition("@")[0],
        user.first_name,
        user.last_name,
        settings.value("hospital.name"),
    ]
