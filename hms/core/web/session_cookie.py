"""The session cookie: encrypted, so that nothing a message says can be read in the browser's storage."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature

CLOCKS_APART = 60
"""Seconds by which the clocks of two machines may differ, as in Fernet's specification."""


class _Sealed:
    """The two methods of a signer that Flask's cookie sessions call, done with encryption."""

    def __init__(self, secret: str) -> None:
        key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"hms-cookie").digest()
        self._box = Fernet(base64.urlsafe_b64encode(key))
        self._json = TaggedJSONSerializer()

    def dumps(self, value: Any) -> str:
        return self._box.encrypt(self._json.dumps(value).encode()).decode()

    def loads(self, text: str, max_age: int | None = None) -> Any:
        try:
            said, sealed_at = self._open(text)
            value = self._json.loads(said)
        except (InvalidToken, UnicodeError, json.JSONDecodeError) as wrong:
            raise BadSignature("not our cookie") from wrong
        if max_age is not None and not sealed_at - CLOCKS_APART <= int(time.time()) <= sealed_at + max_age:
            raise BadSignature("our cookie, but of another time")
        return value

    def _open(self, text: str) -> tuple[str, int]:
        """What is in a cookie, and the second in which it was sealed."""
        token = text.encode()
        return self._box.decrypt(token).decode(), self._box.extract_timestamp(token)


class EncryptedSessionInterface(SecureCookieSessionInterface):
    """Flask's cookie session, encrypted instead of signed. Who is signed in is decided by a row in the database."""

    def __init__(self, secret: str) -> None:
        self._sealed = _Sealed(secret)

    def get_signing_serializer(self, app: Flask) -> Any:
        return self._sealed
