"""Recovery codes: ten of 80 bits each, shown once, for the day the phone with the authenticator app is lost."""

from __future__ import annotations

import base64
import re
import secrets

from sqlalchemy import delete, func, select, update

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db, end_request_session
from hms.core.person import SYSTEM
from hms.staff.login_security import passwords
from hms.staff.models import RecoveryCode, User

CODE_COUNT, CODE_BYTES = 10, 10
_PATTERN = re.compile(r"[A-Z2-7]{16}", re.ASCII)
_MISREAD = str.maketrans("018", "OIB")


def new_codes() -> list[str]:
    """Ten new codes as they are printed: "ABCD-EFGH-2345-67AB"."""
    plain = (base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _code in range(CODE_COUNT))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in plain]


def normalise_code(typed: str) -> str | None:
    """A typed code without blanks and dashes, misread digits as the letters meant; None when it can be none."""
    bare = re.sub(r"[\s-]", "", typed).upper().translate(_MISREAD)
    return bare if _PATTERN.fullmatch(bare) else None


def hash_codes(codes: list[str]) -> list[str]:
    """The hashes that are kept of `codes`. Call it before the action that keeps them."""
    return [passwords.hash_secret(code.replace("-", "")) for code in codes]


def replace_codes(user_id: int, hashes: list[str]) -> None:
    """Put new codes in the place of the account's earlier ones, within the caller's action."""
    delete_codes(user_id)
    db.session.add_all([RecoveryCode(user_id=user_id, code_hash=each) for each in hashes])


def delete_codes(user_id: int) -> None:
    """Forget the account's codes, within the caller's action."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def count_unused(user_id: int) -> int:
    """How many codes are unused."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.execute(select(func.count(RecoveryCode.id)).where(*unused)).scalar_one()


def use_code(user: User, typed: str) -> bool:
    """Use one of the account's codes up; False when it is none or was used. Commits."""
    code = normalise_code(typed)
    if code is None:
        return False
    unused = select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    rows = list(db.session.scalars(unused))
    end_request_session()
    fitting = next((row for row in rows if passwords.is_correct(row.code_hash, code)), None)
    if fitting is None:
        return False
    mine = (RecoveryCode.id == fitting.id, RecoveryCode.used_at.is_(None))
    with action_context("staff.use_recovery_code", SYSTEM):
        return db.session.execute(update(RecoveryCode).where(*mine).values(used_at=clock.now())).rowcount == 1
