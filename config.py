"""The configuration of one installation, read from environment variables."""

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
SERVICE_SECRETS = ("HMS_SMTP_URL", "HMS_SMS_TOKEN", "HMS_SMS_REPORT_TOKEN")
"""What proves to other services that HMS may use them, and to HMS who they are; each is optional."""
MIN_SECRET_LENGTH = 32
MIN_REPORT_TOKEN_LENGTH = 20
MIN_GUESSES = 0.82
MIN_GUESSES_OF_HEXADECIMAL = 0.7
"""Minimum of log10(guesses) for each character (zxcvbn). Random characters have more; words, repeated or neighbouring
characters and dates have less."""
MIN_CHANGES = 0.3
MIN_CHANGES_OF_LETTERS = 0.35
MIN_CHANGES_WITH_DIGITS = 0.1
"""Minimum share of neighbours that are of different kinds (capital, small letter, digit); signs between them are left out.
It is 2/3 in random base64 and 2/5 in random small letters and digits, but low in words, where the kind changes once or
twice a word."""
SCHEMES = {
    "DATABASE_URL": ("postgresql+psycopg://",),
    "DATABASE_OWNER_URL": ("postgresql+psycopg://",),
    "REDIS_URL": ("redis://", "rediss://"),
    "HMS_SMTP_URL": ("smtp://", "smtps://", "smtp+tls://"),
}
"""How the address of each server begins."""
MAX_COMMON_LENGTH = 15
"""The longest text that two secrets may have in common."""
EXIT_NOT_READY = 78
"""EX_CONFIG of sysexits.h."""
MAKE_RANDOM = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


class NotReady(Exception):
    """An environment variable is missing or not valid, so HMS must not start. The message says which and what to set."""


@dataclass(frozen=True)
class Config:
    """The configuration of one installation. `country` is an ISO 3166 code, `currency` an ISO 4217 code."""

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
    """Seconds that a request waits for a database connection; then the response is 503."""
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "hms@localhost"
    sms_token: str = field(default="", repr=False)
    """What proves to the SMS gateway that HMS may send."""
    sms_report_token: str = field(default="", repr=False)
    """What proves that a delivery report comes from the SMS gateway."""
    database_owner_url: str = field(default="", repr=False)
    """The database address for migrations and restoring backups; empty: `database_url`."""

    @classmethod
    def from_environment(cls, environ: os._Environ[str] | dict[str, str] | None = None) -> Config:
        """Read `environ` (default: the process's). Raises `NotReady` for variables that are missing, not valid or weak."""
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
            sms_token=env.get("HMS_SMS_TOKEN") or "",
            sms_report_token=_report_token(env),
            database_owner_url=env.get("DATABASE_OWNER_URL") or "",
        )


def _read_files(env: dict[str, str]) -> None:
    """Set `NAME` to the content of the file that `NAME_FILE` names, as container secrets do."""
    for name in (*SECRETS, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", *SERVICE_SECRETS):
        if env.get(f"{name}_FILE") and not env.get(name):
            try:
                env[name] = Path(env[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
            except PermissionError as error:
                raise NotReady(
                    f"{name}_FILE names {env[f'{name}_FILE']}, which user {os.geteuid()} of this program may not read. On "
                    f"the machine give the file to that user alone: chown {os.geteuid()} FILE && chmod 600 FILE."
                ) from error
            except (OSError, ValueError) as error:
                raise NotReady(
                    f"{name}_FILE names {env[f'{name}_FILE']}, which cannot be read as text. Name a file that holds {name}."
                ) from error


HOST = re.compile(r"(\.?[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\])(:\d{1,5})?")
"""A host name or an address, with or without a port; a leading dot allows every name with this ending."""


def _named_hosts(env: dict[str, str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in env.get("HMS_HOSTS", "").split(",") if name.strip())
    invalid = [name for name in names if not HOST.fullmatch(name) or (name.startswith(".") and name.count(".") < 2)]
    if invalid:
        raise NotReady(
            f"HMS_HOSTS holds {', '.join(invalid)}, which is no name or address of a machine. Write names and addresses "
            "alone, separated by commas: hms.hospital.lan,10.0.0.5."
        )
    return names


def _whole_number(env: dict[str, str], name: str, default: int, *, least: int) -> int:
    text = env.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < least:
        raise NotReady(f"{name} must be a whole number from {least} to 9999, not {text}.")
    return int(text)


def _report_token(env: dict[str, str]) -> str:
    token = env.get("HMS_SMS_REPORT_TOKEN") or ""
    if token and len(token) < MIN_REPORT_TOKEN_LENGTH:
        raise NotReady(
            f"HMS_SMS_REPORT_TOKEN must have at least {MIN_REPORT_TOKEN_LENGTH} characters. Make one with: {MAKE_RANDOM}"
        )
    return token


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NotReady(f"HMS_TIMEZONE must be a time zone such as Africa/Freetown, not {name}.") from error
    return name


def _currency(code: str) -> str:
    from babel.numbers import list_currencies

    if code not in list_currencies():
        raise NotReady(f"HMS_CURRENCY must be a currency of ISO 4217 such as SLE, not {code}.")
    return code


def _country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # the country is used to read phone numbers

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
    """Whether the variable is 1; 0 and blank are off. Any other value is refused, so that "true" is not read as off."""
    text = env.get(name, "").strip()
    if text not in ("", "0", "1"):
        raise NotReady(f"{name} must be 1 (on) or 0 (off), not {text}.")
    return text == "1"


def _refuse_unknown_schemes(env: dict[str, str]) -> None:
    for name, schemes in SCHEMES.items():
        if env.get(name) and not env[name].startswith(schemes):
            # Without the value, which may hold a password.
            raise NotReady(f"{name} must be an address that begins with {' or '.join(schemes)}.")


def _refuse_weak(env: dict[str, str]) -> None:
    weak = [name for name in SECRETS if any(is_guessable(secret) for secret in env[name].split(","))]
    if weak:
        raise NotReady(
            f"{', '.join(weak)} can be guessed: give it {MIN_SECRET_LENGTH} or more random characters. "
            f"This makes one: {MAKE_RANDOM}"
        )
    secrets = [secret for name in SECRETS for secret in env[name].split(",")]
    if any(_have_much_in_common(*pair) for pair in combinations(secrets, 2)):
        raise NotReady(f"{', '.join(SECRETS)} must be different from each other. This makes another: {MAKE_RANDOM}")


def _have_much_in_common(first: str, second: str) -> bool:
    return SequenceMatcher(None, first, second, autojunk=False).find_longest_match().size > MAX_COMMON_LENGTH


def is_guessable(secret: str) -> bool:
    """Whether a secret is too short, or looks typed: words, names, dates, repeated or neighbouring characters."""
    if len(secret) < MIN_SECRET_LENGTH or any(character.isspace() for character in secret):
        return True
    is_hexadecimal = re.fullmatch(r"[0-9a-fA-F-]+", secret) is not None
    if is_hexadecimal and not (re.search(r"[0-9]", secret) and re.search(r"[a-fA-F]", secret)):
        return True
    if not is_hexadecimal and _looks_typed(secret):
        return True
    text = _encoded_text(secret, is_hexadecimal)
    if text is not None:
        return is_guessable(text)
    from zxcvbn import zxcvbn  # large; gunicorn.conf.py imports it first, so that the web processes share its memory

    beginning = secret[:48]  # zxcvbn is slow with long texts, and the beginning alone has to be strong enough
    minimum = MIN_GUESSES_OF_HEXADECIMAL if is_hexadecimal else MIN_GUESSES
    return float(zxcvbn(beginning)["guesses_log10"]) / len(beginning) < minimum


def _looks_typed(secret: str) -> bool:
    """Whether capitals, small letters and digits are less mixed than in random characters."""
    kinds = [kind for character in secret for kind in ("upper", "lower", "digit") if getattr(character, f"is{kind}")()]
    if len(kinds) < MIN_SECRET_LENGTH // 2:
        return True
    missing = len({"upper", "lower", "digit"} - set(kinds))
    changes = sum(kind != following for kind, following in pairwise(kinds)) / (len(kinds) - 1)
    of_two_kinds = MIN_CHANGES_WITH_DIGITS if "digit" in kinds else MIN_CHANGES_OF_LETTERS
    return missing > 1 or changes < (of_two_kinds if missing else MIN_CHANGES)


def _encoded_text(secret: str, is_hexadecimal: bool) -> str | None:
    """The readable text that `secret` encodes in base64 or hexadecimal digits; None when it encodes none."""
    try:
        if is_hexadecimal:
            content = bytes.fromhex(secret.replace("-", ""))
        else:
            unpadded = secret.rstrip("=").translate(str.maketrans("-_", "+/"))
            content = base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
        text = content.decode("ascii")
    except (ValueError, binascii.Error):
        return None
    return text if text.isprintable() else None
