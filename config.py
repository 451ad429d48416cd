"""What the hospital's machine tells the program, read once from the environment."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import combinations, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")
SHORTEST_SECRET = 32
LEAST_GUESSES = 0.82
LEAST_GUESSES_OF_HEXADECIMAL = 0.7
"""Decimal digits of guesses for each character (zxcvbn). Random characters have more; words, repeated or neighbouring
characters and dates have fewer."""
LEAST_CHANGES = 0.3
LEAST_CHANGES_OF_LETTERS = 0.35
LEAST_CHANGES_WITH_DIGITS = 0.1
"""How often the kind of character (capital, small letter, digit) changes from one to the next; signs between are left out.
In random base64 it changes twice in three times, in random small letters and digits twice in five, in words once or twice
a word."""
SCHEMES = {
    "DATABASE_URL": ("postgresql+psycopg://",),
    "DATABASE_OWNER_URL": ("postgresql+psycopg://",),
    "REDIS_URL": ("redis://", "rediss://"),
    "HMS_SMTP_URL": ("smtp://", "smtps://", "smtp+tls://"),
}
"""How the address of each server begins."""
LONGEST_IN_COMMON = 15
"""So many characters in a row may be the same in two secrets."""
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
        _refuse_unknown_schemes(env)
        _refuse_weak(env)
        return cls(
            database_url=env["DATABASE_URL"],
            redis_url=env["REDIS_URL"],
            secret_key=env["SECRET_KEY"],
            jwt_secret_key=env["JWT_SECRET_KEY"],
            audit_key=env["AUDIT_KEY"],
            totp_keys=tuple(env["TOTP_KEYS"].split(",")),
            data_dir=Path(env.get("HMS_DATA_DIR") or "instance").absolute(),
            demo=_is_on(env, "HMS_DEMO"),
            https=_is_on(env, "HMS_HTTPS"),
            trusted_proxies=_whole_number(env, "HMS_TRUSTED_PROXIES", cls.trusted_proxies, least=0),
            hosts=_named_hosts(env),
            timezone=_timezone(env.get("HMS_TIMEZONE") or cls.timezone),
            currency=_currency(env.get("HMS_CURRENCY") or cls.currency),
            country=_country(env.get("HMS_COUNTRY") or cls.country),
            pool_size=_whole_number(env, "HMS_POOL_SIZE", cls.pool_size, least=1),
            smtp_url=env.get("HMS_SMTP_URL") or "",
            mail_from=env.get("HMS_MAIL_FROM") or cls.mail_from,
            database_owner_url=env.get("DATABASE_OWNER_URL") or "",
        )


def _read_files(env: dict[str, str]) -> None:
    """`NAME_FILE` names a file that holds the value of `NAME`, as container secrets do."""
    for name in (*SECRETS, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "HMS_SMTP_URL"):
        if env.get(f"{name}_FILE") and not env.get(name):
            try:
                env[name] = Path(env[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as problem:
                raise NotReady(
                    f"{name}_FILE names {env[f'{name}_FILE']}, which cannot be read as text. Name a file that holds {name}."
                ) from problem


HOST = re.compile(r"(\.?[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\])(:\d{1,5})?")
"""A name or an address, with a port or without; a dot before it stands for every name that ends so."""


def _named_hosts(env: dict[str, str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in env.get("HMS_HOSTS", "").split(",") if name.strip())
    wrong = [name for name in names if not HOST.fullmatch(name) or (name.startswith(".") and name.count(".") < 2)]
    if wrong:
        raise NotReady(
            f"HMS_HOSTS holds {', '.join(wrong)}, which is no name or address of a machine. Write names and addresses "
            "alone, separated by commas: hms.hospital.lan,10.0.0.5."
        )
    return names


def _whole_number(env: dict[str, str], name: str, usual: int, *, least: int) -> int:
    written = env.get(name, "").strip() or str(usual)
    if not re.fullmatch(r"[0-9]{1,4}", written) or int(written) < least:
        raise NotReady(f"{name} must be a whole number from {least} to 9999, not {written}.")
    return int(written)


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise NotReady(f"HMS_TIMEZONE must be a time zone such as Africa/Freetown, not {name}.") from problem
    return name


def _currency(code: str) -> str:
    from babel.numbers import list_currencies

    if code not in list_currencies():
        raise NotReady(f"HMS_CURRENCY must be a currency of ISO 4217 such as SLE, not {code}.")
    return code


def _country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # by the country, telephone numbers are read

    if code not in SUPPORTED_REGIONS:
        raise NotReady(f"HMS_COUNTRY must be a country of ISO 3166 such as SL, not {code}.")
    return code


def _refuse_missing(env: dict[str, str]) -> None:
    missing = [name for name in (*SECRETS, "DATABASE_URL", "REDIS_URL") if not env.get(name)]
    if env.get("HMS_DEMO") != "1" and not _named_hosts(env):
        missing.append("HMS_HOSTS (the names and addresses by which the hospital is reached, separated by commas)")
    if missing:
        raise NotReady(f"Set {', '.join(missing)}: see docs/deployment.md.")


def _is_on(env: dict[str, str], name: str) -> bool:
    """Only 1 switches on and only 0 (or nothing) off, so that "yes" or "true" is never read as off without a word."""
    written = env.get(name, "").strip()
    if written not in ("", "0", "1"):
        raise NotReady(f"{name} must be 1 (on) or 0 (off), not {written}.")
    return written == "1"


def _refuse_unknown_schemes(env: dict[str, str]) -> None:
    """The value is not repeated: it may hold a password."""
    for name, schemes in SCHEMES.items():
        if env.get(name) and not env[name].startswith(schemes):
            raise NotReady(f"{name} must be an address that begins with {' or '.join(schemes)}.")


def _refuse_weak(env: dict[str, str]) -> None:
    weak = [name for name in SECRETS if any(is_guessable(one) for one in env[name].split(","))]
    if weak:
        raise NotReady(
            f"{', '.join(weak)} can be guessed: give it {SHORTEST_SECRET} or more random characters. "
            f"This makes one: {HOW_TO_MAKE_ONE}"
        )
    each = [one for name in SECRETS for one in env[name].split(",")]
    if any(_have_much_in_common(*pair) for pair in combinations(each, 2)):
        raise NotReady(f"{', '.join(SECRETS)} must be different from each other. This makes another: {HOW_TO_MAKE_ONE}")


def _have_much_in_common(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size > LONGEST_IN_COMMON


def is_guessable(secret: str) -> bool:
    """Whether a secret is too short, or typed by a person: words, names, dates, repeated or neighbouring characters."""
    if len(secret) < SHORTEST_SECRET or any(character.isspace() for character in secret):
        return True
    is_hexadecimal = re.fullmatch(r"[0-9a-fA-F-]+", secret) is not None
    if is_hexadecimal and not (re.search(r"[0-9]", secret) and re.search(r"[a-fA-F]", secret)):
        return True
    if not is_hexadecimal and _looks_typed(secret):
        return True
    written = _encoded_text(secret, is_hexadecimal)
    if written is not None:
        return is_guessable(written)
    from zxcvbn import zxcvbn  # 14 MiB, which the web processes share when gunicorn has asked before (gunicorn.conf.py)

    judged = secret[:48]  # the beginning alone has to be strong enough, and costs less
    least = LEAST_GUESSES_OF_HEXADECIMAL if is_hexadecimal else LEAST_GUESSES
    return float(zxcvbn(judged)["guesses_log10"]) / len(judged) < least


def _looks_typed(secret: str) -> bool:
    """Whether capitals, small letters and digits are not as mixed as where a machine drew them."""
    named = [next((kind for kind in ("upper", "lower", "digit") if getattr(one, f"is{kind}")()), "") for one in secret]
    kinds = [kind for kind in named if kind]
    if len(kinds) < SHORTEST_SECRET // 2:
        return True
    missing = len({"upper", "lower", "digit"} - set(kinds))
    changes = sum(one != other for one, other in pairwise(kinds)) / (len(kinds) - 1)
    of_two_kinds = LEAST_CHANGES_WITH_DIGITS if "digit" in kinds else LEAST_CHANGES_OF_LETTERS
    return missing > 1 or changes < (of_two_kinds if missing else LEAST_CHANGES)


def _encoded_text(secret: str, is_hexadecimal: bool) -> str | None:
    """The readable text that `secret` is base64 or hexadecimal digits of, if it is."""
    try:
        if is_hexadecimal:
            content = bytes.fromhex(secret.replace("-", ""))
        else:
            unpadded = secret.rstrip("=").translate(str.maketrans("-_", "+/"))
            content = base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
        written = content.decode("ascii")
    except (ValueError, binascii.Error):
        return None
    return written if written.isprintable() else None
