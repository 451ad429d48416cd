"""The session cookie: encrypted, so that nothing a message says can be read in the browser's storage."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature


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
            return self._json.loads(self._box.decrypt(text.encode(), ttl=max_age).decode())
        except (InvalidToken, UnicodeError, json.JSONDecodeError) as wrong:
            raise BadSignature("not our cookie") from wrong


class EncryptedCookie(SecureCookieSessionInterface):
    """Flask's cookie session, encrypted instead of signed. Who is signed in is decided by a row in the database."""

    def __init__(self, secret: str) -> None:
        self._sealed = _Sealed(secret)

    def get_signing_serializer(self, app: Flask) -> Any:
        return self._sealed
