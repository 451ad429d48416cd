"""Parse a dose typed in short form, such as `500mg tds 5/7 po`. Pages show it in full words; the typed text is not stored.

Ambiguous text is refused, because a wrong dose is worse than typing it again.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from hms.core.errors import RuleBroken
from hms.core.text.numbers import number
from hms.core.text.translation import N_, Sentence

from .abbreviations import ADVICE, ERROR_PRONE, FREQUENCY_PHRASES, LENGTHS, ROUTE_PHRASES, UNIT_PHRASES
from .doses import AS_REQUIRED, MAX_DAYS_LENGTH, NOT_A_COUNT, ONCE, Dose, check_count, check_maximum
from .misreadings import check_as_typed, check_readings
from .rewriting import (
    MAX_WHOLE,
    expand_fractions,
    expand_frequencies,
    expand_hour_ranges,
    expand_millions,
    expand_slots,
)
from .strengths import COUNTED

FIELD = "dose"
MAX_LENGTH = 120
MAX_BARE_NUMBER = MAX_WHOLE
"""A larger number without a unit ("10 od", "500 tds") is not a count of tablets but a strength."""
BARE_UNITS = frozenset(
    {"tablet", "capsule", "sachet", "puff", "drop", "spray", "suppository", "pessary", "application"}
)
"""What a number without a unit counts: never vials, ampoules or bottles."""
MAX_DOSES = 24
"""How many doses a maximum without a unit can count in 24 hours."""
EXAMPLE = "500 mg tds 5/7 po"
TWO_FREQUENCIES = "two_frequencies"
NEVER_TEXT = frozenset({TWO_FREQUENCIES, NOT_A_COUNT})
"""Refusals of a dose that may not stay as a text either: nobody may give it as it stands."""

_FILLERS = frozenset({"take", "give", "for", "x", "a", "the", "pendant", "as", "prendre"})
_ALLOWED = re.compile(r"[a-z0-9µμ .,/%+-]*")
_NUMBER = r"(?:[0-9][0-9.,]*|[.,][0-9]+)"


def _phrases(table: dict[str, tuple[str, ...]]) -> tuple[re.Pattern[str], dict[str, str]]:
    meaning = {phrase: code for code, phrases in table.items() for phrase in phrases}
    longest_first = sorted(meaning, key=len, reverse=True)
    return re.compile(r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![a-z0-9])"), meaning


_FREQUENCY, _FREQUENCY_OF = _phrases(FREQUENCY_PHRASES)
_ROUTE, _ROUTE_OF = _phrases(ROUTE_PHRASES)
_UNIT_OF = {phrase: code for code, phrases in UNIT_PHRASES.items() for phrase in phrases}
_UNIT = "|".join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))
_MAXIMUM = re.compile(
    rf"(?<![a-z])(?:max(?:imum)?|not more than|no more than|up to)(?: of)? ?({_NUMBER}) ?(?:({_UNIT})|doses)?(?![a-z0-9])"
    r"(?: ?(?:in 24 ?h(?:ours|rs)?|/ ?24 ?h(?:ours|rs)?|/ ?day|a day|per day|daily))?"
)
_FRACTION_DAYS = re.compile(r"(?<![0-9/.,])([0-9]{1,3}) ?/ ?(7|52|12)(?![0-9/.,])")
_WRITTEN_DAYS = re.compile(rf"(?<![0-9/.,])([0-9]{{1,3}}) ?({LENGTHS})")
_DAYS_OF = {"7": 1, "52": 7, "12": 30, "d": 1, "w": 7, "m": 30, "j": 1, "s": 7}
_AMOUNT = re.compile(rf"(?<![0-9a-z/.,])({_NUMBER}) ?({_UNIT})(?![a-z0-9/])")
_MISREAD_UNITS = re.compile(rf"(?<![0-9a-z/.,])({_NUMBER}) ?u(?![a-z0-9])")
_BARE_NUMBER = re.compile(rf"(?<![0-9a-z/.,])({_NUMBER})(?![0-9a-z/])")


@dataclass(slots=True)
class _Remainder:
    """The text that is not parsed yet."""

    left: str

    def take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """The matches of `pattern`, which are removed from the text."""
        matches = list(pattern.finditer(self.left))
        self.left = pattern.sub(" ", self.left)
        return matches


def parse_shorthand(text: str, *, default_route: str = "", default_unit: str = "") -> Dose:
    """The dose in `text`, with the default route and unit where the text names none.

    Understands od bd tds qds prn stat nocte mane q6h 1-0-1 x3, plain words for them, ½ and 1/2, 5/7 (days), 2/52
    (weeks), 1/12 (months of 30 days), max 4 g. Raises `RuleBroken` on field `dose` with a sentence that says what to write.
    """
    rest = _Remainder(_normalize(text))
    _check_units(rest.left)
    maximum = _single_match(rest.take(_MAXIMUM), Sentence(N_("two maximum amounts")))
    days = _days(rest)
    frequency_code, as_needed = _frequency(rest)
    if frequency_code == ONCE and days is not None:
        raise _refuse(N_("One dose now has no duration. Remove one of them."))
    amount, unit = _amount(rest, default_unit)
    route = _route(rest, default_route)
    _check_nothing_left(rest.left)
    try:
        dose = Dose.from_frequency(
            amount, unit, route, frequency_code,
            as_needed=as_needed, max_per_day=_parse_maximum(maximum, amount, unit), days=days,
        )  # fmt: skip
    except RuleBroken as refusal:
        raise RuleBroken.from_error(refusal, FIELD) from refusal
    check_maximum(dose, FIELD)
    return dose


def with_days(duration: str) -> str:
    """A typed duration in lower case; a number alone means days."""
    plain = " ".join(duration.lower().split())
    return f"{plain} days" if plain.isdecimal() else plain


def parse_duration(text: str) -> int | None:
    """The days that "5 days", "2/52" or "5" mean; None for nothing. Raises `RuleBroken` on field `days`."""
    plain = with_days(text)
    if not plain:
        return None
    rest = _Remainder(plain)
    try:
        check_as_typed(plain, FIELD)
        days = _days(rest)
        if days is not None and not rest.left.strip():
            return days
    except RuleBroken as refusal:
        raise RuleBroken.from_error(refusal, "days") from refusal
    raise RuleBroken(N_("Enter the duration, for example 5 days, 2 weeks or 1/12."), "days")


def _refuse(sentence: str, **values: object) -> RuleBroken:
    return RuleBroken(sentence, FIELD, **values)


def _normalize(text: str) -> str:
    """Lower case, single blanks, no points inside abbreviations ("t.d.s." -> "tds"), fractions and signs in words."""
    if len(text) > MAX_LENGTH:
        raise _refuse(N_("Enter the dose in at most 120 characters."))
    plain = " ".join(_without_accents(text.lower()).replace("×", " x ").replace("–", "-").split())
    if not plain:
        raise _refuse(N_("Enter the dose, for example %(example)s."), example=EXAMPLE)
    plain = expand_millions(plain)
    check_as_typed(plain, FIELD)
    plain = expand_slots(expand_hour_ranges(expand_fractions(plain)))
    if not _ALLOWED.fullmatch(plain):
        raise _refuse(N_("Use only letters, digits and / . , in a dose, for example %(example)s."), example=EXAMPLE)
    check_readings(plain, FIELD)
    plain = expand_frequencies(plain)
    return re.sub(r"(?<=[a-z])\.(?=[a-z ]|$)", "", plain)


def _without_accents(text: str) -> str:
    """`text` without the accents of French words, "gélule" as "gelule"."""
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if sign not in "\u0300\u0301\u0302")


def _single_match(matches: list[re.Match[str]], twice: Sentence) -> re.Match[str] | None:
    if len(matches) > 1:
        raise _refuse(N_("There are %(twice)s. Remove one."), twice=twice)
    return matches[0] if matches else None


def _days(rest: _Remainder) -> int | None:
    match = _single_match(rest.take(_FRACTION_DAYS) + rest.take(_WRITTEN_DAYS), Sentence(N_("two durations")))
    if match is None:
        return None
    days = int(match[1]) * _DAYS_OF.get(match[2], _DAYS_OF.get(match[2][0], 1))
    if not 1 <= days <= MAX_DAYS_LENGTH:
        raise _refuse(N_("The duration must be between 1 and 366 days."))
    return days


def _frequency(rest: _Remainder) -> tuple[str, bool]:
    phrases = [match[0] for match in rest.take(_FREQUENCY)]
    as_needed = AS_REQUIRED in map(_FREQUENCY_OF.get, phrases)
    phrases = [phrase for phrase in phrases if _FREQUENCY_OF[phrase] != AS_REQUIRED]
    if len(phrases) > 1 and any(re.fullmatch("x[0-9]", phrase) for phrase in phrases):
        raise _two_frequencies()
    timed = {_FREQUENCY_OF[phrase] for phrase in phrases}
    if timed & {"in_the_morning", "at_night"}:
        timed.discard("once_daily")
    if len(timed) > 1:
        raise _two_frequencies()
    if not timed and not as_needed:
        for word in rest.left.split():
            if word in ERROR_PRONE:
                raise _refuse(ERROR_PRONE[word])
        raise _refuse(N_("Enter the frequency, for example od, bd, tds, qds, q6h, nocte, prn or stat."))
    return (timed.pop() if timed else AS_REQUIRED), as_needed


def _two_frequencies() -> RuleBroken:
    return RuleBroken(
        N_("There are two frequencies. Write one for both, for example bd, or one line for each."),
        FIELD,
        code=TWO_FREQUENCIES,
    )


def _amount(rest: _Remainder, default_unit: str) -> tuple[Decimal, str]:
    match = _single_match(rest.take(_AMOUNT), Sentence(N_("two amounts")))
    if match is not None:
        amount, unit = _number(match[1]), _UNIT_OF[match[2]]
        check_count(amount, unit, FIELD)
        return amount, unit
    is_counted = default_unit in BARE_UNITS
    bare = _single_match(rest.take(_BARE_NUMBER), Sentence(N_("two amounts"))) if is_counted else None
    if bare is None or (count := _number(bare[1])) > MAX_BARE_NUMBER:
        _check_misread(rest.left)
        message = N_("Enter the amount with its unit, for example 500 mg, 10 mL or 2 tablets.")
        raise RuleBroken(message, FIELD, code=NOT_A_COUNT if bare else None)
    return count, default_unit


def _number(written: str) -> Decimal:
    try:
        if re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", written):
            raise ValueError("could be thousands")
        return number(written)
    except ValueError as refusal:
        message = N_("“%(written)s” is not a clear number. Enter it without commas, for example 1000 or 2.5.")
        raise _refuse(message, written=written) from refusal


def _route(rest: _Remainder, default_route: str) -> str:
    routes = {_ROUTE_OF[match[0]] for match in rest.take(_ROUTE)}
    if len(routes) > 1:
        raise _refuse(N_("There are two routes. Remove one."))
    route = routes.pop() if routes else default_route
    if not route:
        _check_nothing_left(rest.left)
        raise _refuse(N_("Add the route, for example po, iv, im or pr."))
    return route


def _parse_maximum(match: re.Match[str] | None, amount: Decimal, unit: str) -> Decimal | None:
    """The maximum in 24 hours in the dose's unit. Without a unit it counts doses, where it cannot mean anything else: "500 mg
    prn max 4", "1 tablet prn max 4". "2 tablets prn max 8" could mean tablets or doses, "5 mg prn max 20" mg or doses."""
    if match is None:
        return None
    maximum = _number(match[1])
    if match[2] is None:
        has_two_meanings = amount != 1 and (unit in COUNTED or maximum >= amount)
        if maximum > MAX_DOSES or maximum % 1 or has_two_meanings:
            raise _refuse(N_("Enter the maximum with its unit, for example max 8 tablets or max 4 g."))
        return maximum * amount
    maximum_unit = _UNIT_OF[match[2]]
    if maximum_unit == unit:
        return maximum
    factor = {("g", "mg"): Decimal(1000), ("mg", "g"): Decimal("0.001")}.get((maximum_unit, unit))
    if factor is None:
        raise _refuse(N_("Enter the maximum in the unit of the dose."))
    return maximum * factor


def _check_units(text: str) -> None:
    """Refuse "10u" before anything else is asked for."""
    if _MISREAD_UNITS.search(text):
        raise _refuse(ERROR_PRONE["u"])


def _check_misread(left: str) -> None:
    for word in left.split():
        if re.sub(r"^[0-9.,]+", "", word) in ERROR_PRONE:
            raise _refuse(ERROR_PRONE[re.sub(r"^[0-9.,]+", "", word)])


def _check_nothing_left(left: str) -> None:
    words = [word for word in (piece.strip(".,/+-%") for piece in left.split()) if word and word not in _FILLERS]
    if not words and not re.search(r"[%+/-]", left):
        return
    _check_misread(left)
    advice = next((word for word in words if word in ADVICE), None)
    if advice is not None:
        raise _refuse(ADVICE[advice], word=advice)
    message = N_("“%(word)s” is not understood. Enter a dose like %(example)s.")
    raise _refuse(message, word=words[0] if words else left.strip(), example=EXAMPLE)
