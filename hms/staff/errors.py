"""How signing in is refused."""

from __future__ import annotations

from hms.core.errors import HospitalError


class SignInRefused(HospitalError):
    """The name, the password or the code is not right; the message does not say which."""

    status = 401
    code = "sign_in_refused"


class OtpRequired(SignInRefused):
    """The password is right and the account has a second factor: send the code too."""

    code = "otp_required"


class Locked(HospitalError):
    """Too many wrong tries: wait."""

    status = 429
    code = "locked"
