"""Recovery codes: ten codes of 80 bits, shown once, which replace the authenticator app when the phone is lost."""

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
    """Ten new codes as they are shown: "ABCD-EFGH-2345-67AB"."""
    codes = (base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _code in range(CODE_COUNT))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def normalise_code(typed: str) -> str | None:
    """A typed code without spaces and dashes, with misread digits as letters; None when it cannot be a recovery code."""
    code = re.sub(r"[\s-]", "", typed).upper().translate(_MISREAD)
    return code if _PATTERN.fullmatch(code) else None


def hash_codes(codes: list[str]) -> list[str]:
    """The hashes of `codes`. Call it before the action that stores them."""
    return [passwords.hash_secret(code.replace("-", "")) for code in codes]


def replace_codes(user_id: int, hashes: list[str]) -> None:
    """Replace the account's codes by `hashes`, within the caller's action."""
    delete_codes(user_id)
    db.session.add_all([RecoveryCode(user_id=user_id, code_hash=code_hash) for code_hash in hashes])


def delete_codes(user_id: int) -> None:
    """Delete the account's codes, within the caller's action."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def count_unused(user_id: int) -> int:
    """The number of unused codes."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.execute(select(func.count(RecoveryCode.id)).where(*unused)).scalar_one()


def use_code(user: User, typed: str) -> bool:
    """Use up one of the account's codes; return False when it is wrong or was used before. Commits."""
    code = normalise_code(typed)
    if code is None:
        return False
    unused = select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    rows = list(db.session.scalars(unused))
    end_request_session()
    matching = next((row for row in rows if passwords.is_correct(row.code_hash, code)), None)
    if matching is None:
        return False
    is_unused = (RecoveryCode.id == matching.id, RecoveryCode.used_at.is_(None))
    with action_context("staff.use_recovery_code", SYSTEM):
        return db.session.execute(update(RecoveryCode).where(*is_unused).values(used_at=clock.now())).rowcount == 1
