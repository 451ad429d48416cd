"""JSON: sign-in and tokens; people, roles and requests stand in the modules beside."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.permissions import Permission
from hms.core.web.fields import REQUIRED
from hms.core.web.guard import requires
from hms.core.web.rate_limits import limiter
from hms.staff.blueprints import FAILURES_PER_ADDRESS, api, is_failed_attempt
from hms.staff.sessions import tokens

from . import authentication


class Credentials(ApiSchema):
    username = fields.String(required=True, error_messages=REQUIRED)
    password = fields.String(required=True, error_messages=REQUIRED)
    otp = fields.String(allow_none=True)


class Refresh(ApiSchema):
    refresh = fields.String(required=True, error_messages=REQUIRED)


class TokenPair(ApiSchema):
    refresh = fields.String()
    access = fields.String()


@api.post("/auth/")
@requires(Permission.PUBLIC)
@limiter.limit(FAILURES_PER_ADDRESS, deduct_when=is_failed_attempt)
@api.arguments(Credentials)
@api.response(200, TokenPair)
def sign_in(given: dict[str, Any]) -> dict[str, str]:
    """Sign in: an access token for 15 minutes and a refresh token that works once, within a day of signing in.

    An account with a second factor needs `otp` too: 401 with the code `otp_required` asks for it.
    """
    return tokens.issue_pair(authentication.authenticate(given["username"], given["password"], given.get("otp"), is_program=True))


@api.post("/auth/refresh/")
@requires(Permission.PUBLIC)
@limiter.limit(FAILURES_PER_ADDRESS, deduct_when=is_failed_attempt)
@api.arguments(Refresh)
@api.response(200, TokenPair)
def refresh(given: dict[str, Any]) -> dict[str, str]:
    """The next pair of tokens."""
    return tokens.rotate_pair(given["refresh"])
