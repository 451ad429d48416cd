"""What the hospital's machine tells the program, read once from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")
SHORTEST_SECRET = 32
LEAST_GUESSES = 0.82
"""Decimal digits of guesses for each character (zxcvbn). Random characters, also hexadecimal ones, have 0.88 or more; words,
repeated or neighbouring characters and dates have fewer."""
EXIT_NOT_READY = 78
"""EX_CONFIG of sysexits.h."""
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


class NotReady(Exception):
    """The environment lacks something without which the hospital must not start."""


@dataclass(frozen=True)
class Config:
    """One installation. Durations are in minutes unless the name says otherwise; `country` is ISO 3166, `currency` ISO 4217."""

    database_url: str
    redis_url: str
    secret_key: str = field(repr=False)
    jwt_secret_key: str = field(repr=False)
    audit_key: str = field(repr=False)
    totp_keys: tuple[str, ...] = field(repr=False)
    data_dir: Path = Path("instance")
    demo: bool = False
    testing: bool = False
    https: bool = False
    trusted_proxies: int = 0
    hosts: tuple[str, ...] = ()
    timezone: str = "Africa/Freetown"
    currency: str = "SLE"
    country: str = "SL"
    pool_size: int = 10
    pool_timeout: float = 10
    """Seconds that a request waits for a connection to the database; then it is answered with 503."""
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "hms@localhost"
    database_owner_url: str = field(default="", repr=False)
    """The address with which tables are made and changed and backups restored; empty: `database_url`."""

    @classmethod
    def from_environment(cls, environ: os._Environ[str] | dict[str, str] | None = None) -> Config:
        """Read `environ`; raises `NotReady` naming every variable that is missing or too weak."""
        env = {**(os.environ if environ is None else environ)}
        _read_files(env)
        _refuse_missing(env)
        _refuse_weak(env)
        return cls(
            database_url=env["DATABASE_URL"],
            redis_url=env["REDIS_URL"],
            secret_key=env["SECRET_KEY"],
            jwt_secret_key=env["JWT_SECRET_KEY"],
            audit_key=env["AUDIT_KEY"],
            totp_keys=tuple(env["TOTP_KEYS"].split(",")),
            data_dir=Path(env.get("HMS_DATA_DIR") or "instance").absolute(),
            demo=env.get("HMS_DEMO") == "1",
            https=env.get("HMS_HTTPS") == "1",
            trusted_proxies=int(env.get("HMS_TRUSTED_PROXIES") or 0),
            hosts=_named_hosts(env),
            timezone=env.get("HMS_TIMEZONE") or cls.timezone,
            currency=env.get("HMS_CURRENCY") or cls.currency,
            country=env.get("HMS_COUNTRY") or cls.country,
            pool_size=int(env.get("HMS_POOL_SIZE") or cls.pool_size),
            smtp_url=env.get("HMS_SMTP_URL") or "",
            mail_from=env.get("HMS_MAIL_FROM") or cls.mail_from,
            database_owner_url=env.get("DATABASE_OWNER_URL") or "",
        )


def _read_files(env: dict[str, str]) -> None:
    """`NAME_FILE` names a file that holds the value of `NAME`, as container secrets do."""
    for name in (*SECRETS, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "HMS_SMTP_URL"):
        if env.get(f"{name}_FILE") and not env.get(name):
            env[name] = Path(env[f"{name}_FILE"]).read_text(encoding="utf-8").strip()


def _named_hosts(env: dict[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in env.get("HMS_HOSTS", "").split(",") if name.strip())


def _refuse_missing(env: dict[str, str]) -> None:
    missing = [name for name in (*SECRETS, "DATABASE_URL", "REDIS_URL") if not env.get(name)]
    if env.get("HMS_DEMO") != "1" and not _named_hosts(env):
        missing.append("HMS_HOSTS (the names and addresses by which the hospital is reached, separated by commas)")
    if missing:
        raise NotReady(f"Set {', '.join(missing)}: see docs/deployment.md.")


def _refuse_weak(env: dict[str, str]) -> None:
    weak = [name for name in SECRETS if any(is_guessable(one) for one in env[name].split(","))]
    if weak:
        raise NotReady(
            f"{', '.join(weak)} can be guessed: give it {SHORTEST_SECRET} or more random characters. "
            f"This makes one: {HOW_TO_MAKE_ONE}"
        )
    each = [one for name in SECRETS for one in env[name].split(",")]
    if len(set(each)) < len(each):
        raise NotReady(f"{', '.join(SECRETS)} must be different from each other. This makes another: {HOW_TO_MAKE_ONE}")


def is_guessable(secret: str) -> bool:
    """Whether a secret is too short, or typed by a person: words, names, dates, repeated or neighbouring characters."""
    if len(secret) < SHORTEST_SECRET or any(character.isspace() for character in secret):
        return True
    from zxcvbn import zxcvbn  # 14 MiB, which the web processes share when gunicorn has asked before (gunicorn.conf.py)

    judged = secret[:72]
    return float(zxcvbn(judged)["guesses_log10"]) / len(judged) < LEAST_GUESSES
