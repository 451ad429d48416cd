"""The hospital number, e.g. `HMS-000482-7`: prefix, a running number of at least six digits, a check digit.

The check digit is Damm's (H. M. Damm, "Total anti-symmetrische Quasigruppen", Marburg 2004): it notices every single
wrong digit and every exchange of two neighbouring digits.
"""

from __future__ import annotations

import re
import unicodedata

PREFIX = "HMS"
MIN_DIGITS = 6
_QUASIGROUP = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—_./]+")
_DIGITS = re.compile(rf"[0-9]{{{MIN_DIGITS + 1},12}}")


def check_digit(digits: str) -> str:
    """Damm's check digit for a run of ASCII digits."""
    interim = 0
    for digit in digits:
        interim = int(_QUASIGROUP[interim][int(digit)])
    return str(interim)


def format_hospital_number(n: int, prefix: str = PREFIX) -> str:
    """The hospital number for the running number `n`, which counts from 1; `ValueError` below."""
    if n < 1:
        raise ValueError("hospital numbers count from 1")
    digits = f"{n:0{MIN_DIGITS}d}"
    return f"{prefix}-{digits}-{check_digit(digits)}"


def parse_hospital_number(text: str, prefix: str = PREFIX) -> int | None:
    """The running number in typed or scanned text; None when it is not a number of this hospital.

    Separators, blanks, case and a missing prefix do not matter; a wrong check digit does.
    """
    typed = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    digits = typed.removeprefix(prefix.upper())
    if not _DIGITS.fullmatch(digits) or check_digit(digits) != "0":
        return None
    running = digits[:-1]
    has_spare_zero = len(running) > MIN_DIGITS and running.startswith("0")
    return None if has_spare_zero else int(running) or None


def is_valid(text: str, prefix: str = PREFIX) -> bool:
    return parse_hospital_number(text, prefix) is not None
