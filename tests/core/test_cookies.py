"""The session cookie is decoded once, each request has its own copy of the contents, and cookies expire."""

from __future__ import annotations

import pytest
from itsdangerous import BadSignature

from hms.core.web.session_cookie import EncryptedSessionInterface


@pytest.fixture
def sealed(app):
    return EncryptedSessionInterface("a secret of sixty-four letters or so").get_signing_serializer(app)


def test_what_a_request_changes_is_not_in_the_next_ones_cookie(sealed):
    text = sealed.dumps({"sid": "abc", "said": []})
    first = sealed.loads(text)
    first["said"].append("something")
    assert sealed.loads(text, max_age=60) == {"sid": "abc", "said": []}


def test_a_cookie_that_was_opened_before_still_grows_too_old(sealed):
    text = sealed.dumps({"sid": "abc"})
    assert sealed.loads(text, max_age=60)
    with pytest.raises(BadSignature):
        sealed.loads(text, max_age=-1)


@pytest.mark.parametrize("forged", ["", "x", "é", "gAAAAA" + "A" * 80])
def test_what_is_not_ours_is_refused_each_time(sealed, forged):
    for _time in range(2):
        with pytest.raises(BadSignature):
            sealed.loads(forged)


def test_the_cookie_of_another_key_is_refused(sealed, app):
    other = EncryptedSessionInterface("another secret of sixty-four letters").get_signing_serializer(app)
    with pytest.raises(BadSignature):
        sealed.loads(other.dumps({"sid": "abc"}))
