"""What the hospital's machine tells the program, read once from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")
SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 10
"""A secret made by a machine has at least that many different characters; one typed in haste ("aaaa…") has not."""


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
            hosts=tuple(env["HMS_HOSTS"].split(",")) if env.get("HMS_HOSTS") else (),
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


def _refuse_weak(env: dict[str, str]) -> None:
    missing = [name for name in (*SECRETS, "DATABASE_URL", "REDIS_URL") if not env.get(name)]
    if missing:
        raise NotReady(f"Set {', '.join(missing)}: see docs/deployment.md.")
    weak = [name for name in SECRETS if len(env[name]) < SHORTEST_SECRET or len(set(env[name])) < FEWEST_CHARACTERS]
    if weak or len({env[name] for name in SECRETS}) < len(SECRETS):
        raise NotReady(
            "Give SECRET_KEY, JWT_SECRET_KEY, AUDIT_KEY and TOTP_KEYS four different random values of 32 characters or more."
        )
