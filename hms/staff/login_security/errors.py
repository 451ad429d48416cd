"""How signing in is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hms.core import clock
from hms.core.errors import DomainError


class SignInRefused(DomainError):
    """The name, the password or the code is not right; the message does not say which."""

    status = 401
    code = "sign_in_refused"


class OtpRequired(SignInRefused):
    """The password is right (`proof` says whose) and the account has a second factor: send the code too."""

    code = "otp_required"

    def __init__(self, message: str, field: str | None = None, *, proof: Any = None) -> None:
        super().__init__(message, field)
        self.proof = proof


class EnrolmentRequired(SignInRefused):
    """The role needs a second factor and the account has none: enrol on a page first."""

    status = 403
    code = "second_factor_required"


class LockedOut(DomainError):
    """Too many wrong tries: wait until `until`; None when a moment is enough."""

    status = 429
    code = "locked"

    def __init__(self, message: str, field: str | None = None, *, until: datetime | None = None) -> None:
        super().__init__(message, field)
        self.until = until

    @property
    def retry_after(self) -> int:
        """Seconds until another try makes sense."""
        return max(1, int((self.until - clock.now()).total_seconds()) + 1) if self.until else 2
