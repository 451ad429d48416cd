"""Secrets are made once and stay secret."""

import json
import os

import pytest
from cryptography.fernet import Fernet

from hms.local import secrets
from hms.local.errors import LocalServersFailed

pytestmark = pytest.mark.security("P")


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path):
    made = secrets.ensure_secrets(tmp_path, {})
    assert set(made) == {"SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS"}
    assert len(set(made.values())) == 4
    assert min(len(secret) for secret in made.values()) >= 32
    assert Fernet(made["TOTP_KEYS"]).decrypt(Fernet(made["TOTP_KEYS"]).encrypt(b"seed")) == b"seed"
    assert os.stat(tmp_path / "secrets.json").st_mode & 0o777 == 0o600
    assert secrets.ensure_secrets(tmp_path, {}) == made


def test_given_secrets_go_before_kept_ones_and_are_not_written_down(tmp_path):
    assert secrets.ensure_secrets(tmp_path, {"AUDIT_KEY": "from the safe"})["AUDIT_KEY"] == "from the safe"
    assert "from the safe" not in (tmp_path / "secrets.json").read_text()


def test_a_secret_that_is_new_in_this_version_joins_the_kept_ones(tmp_path):
    made = secrets.ensure_secrets(tmp_path, {})
    older = {name: secret for name, secret in made.items() if name != "AUDIT_KEY"}
    (tmp_path / "secrets.json").write_text(json.dumps(older))
    now = secrets.ensure_secrets(tmp_path, {})
    assert older.items() <= now.items()
    assert now["AUDIT_KEY"] not in made.values()


def test_a_damaged_secrets_file_is_never_replaced(tmp_path):
    (tmp_path / "secrets.json").write_text('{"SECRET_KEY": "abc')
    with pytest.raises(LocalServersFailed, match="Put it back from a backup"):
        secrets.ensure_secrets(tmp_path, {})
    assert (tmp_path / "secrets.json").read_text() == '{"SECRET_KEY": "abc'


def test_where_everything_is_given_secrets_are_read_but_never_made(tmp_path):
    assert secrets.stored_secrets(tmp_path, {}) == {}
    assert not list(tmp_path.iterdir())
    made = secrets.ensure_secrets(tmp_path, {})
    given = {"AUDIT_KEY": "from the safe", "TOTP_KEYS_FILE": "/run/secrets/totp"}
    assert secrets.stored_secrets(tmp_path, given) == {name: made[name] for name in ("SECRET_KEY", "JWT_SECRET_KEY")}
