"""The session cookie, encrypted so that flashed messages cannot be read in the browser's storage."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import Flask, Response
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature

MAX_CLOCK_DIFFERENCE = 60
"""Seconds by which the clocks of two machines may differ, as in Fernet's specification."""


MAX_WAITING_MESSAGES = 4
"""Flashed messages that wait for a page. The longest, with what it takes to undo a move, has some 600 bytes; a cookie 4,093."""


class _EncryptingSerializer:
    """The two methods of a signing serializer that Flask's cookie sessions call, with encryption instead of a signature."""

    def __init__(self, secret: str) -> None:
        key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"hms-cookie").digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._json = TaggedJSONSerializer()

    def dumps(self, value: Any) -> str:
        return self._fernet.encrypt(self._json.dumps(value).encode()).decode()

    def loads(self, text: str, max_age: int | None = None) -> Any:
        try:
            content, encrypted_at = self._decrypt(text)
            value = self._json.loads(content)
        except (InvalidToken, UnicodeError, json.JSONDecodeError) as error:
            raise BadSignature("not our cookie") from error
        if (
            max_age is not None
            and not encrypted_at - MAX_CLOCK_DIFFERENCE <= int(time.time()) <= encrypted_at + max_age
        ):
            raise BadSignature("the cookie has expired")
        return value

    def _decrypt(self, text: str) -> tuple[str, int]:
        """The content of a cookie, and the second (Unix time) in which it was encrypted."""
        token = text.encode()
        return self._fernet.decrypt(token).decode(), self._fernet.extract_timestamp(token)


class EncryptedSessionInterface(SecureCookieSessionInterface):
    """Flask's cookie session, encrypted instead of signed. A row in the database decides who is signed in."""

    def __init__(self, secret: str) -> None:
        self._serializer = _EncryptingSerializer(secret)

    def get_signing_serializer(self, app: Flask) -> Any:
        return self._serializer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie. Of many messages that no page has shown yet the oldest are left out: a browser drops a cookie that
        is too large, and the person would be signed out."""
        if len(session.get("_flashes", ())) > MAX_WAITING_MESSAGES:
            session["_flashes"] = session["_flashes"][-MAX_WAITING_MESSAGES:]
        super().save_session(app, session, response)
