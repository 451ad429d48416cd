"""Rewrites of a typed dose into phrases that the parser knows: fractions, `1-0-1`, `x5`, `q8`, `8-hourly`, numbers in words.

`1-0-1` is the number of units in the morning, at noon and in the evening (a fourth number: at night).
"""

from __future__ import annotations

import re
from decimal import Decimal

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

from .abbreviations import LENGTHS, UNIT_PHRASES
from .strengths import COUNTED

_VULGAR = {"½": ".5", "¼": ".25", "¾": ".75", "1/2": ".5", "1/4": ".25", "3/4": ".75"}
_FRACTION = re.compile(r"(?:(?<![0-9a-z/.,])([0-9]{1,3}) ?)?([½¼¾]|(?<![0-9/.,])(?:1 ?/ ?2|[13] ?/ ?4)(?![0-9/]))")
_HALF = re.compile(r"(?<![a-z])(?:(one|two|three|four) and a half|half(?: an?)?)(?![a-z])")
MAX_WHOLE = 4
"""The largest whole number that is taken together with a fraction, or after the word for a form ("tab 2 bd")."""
_COUNT_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4}
_NUMBER_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_NUMBER_NAMES, 1)}
_NUMBER_WORDS |= {"un": "1", "une": "1", "deux": "2", "trois": "3", "i": "1", "ii": "2", "iii": "3"}
_COUNTED_WORD = "|".join(sorted({phrase for unit in COUNTED for phrase in UNIT_PHRASES[unit]}, key=len, reverse=True))
_AFTER_A_NUMBER = rf"(?= (?:{LENGTHS}|(?:{_COUNTED_WORD}|od|bd|bid|tds|tid|qds|qid|nocte|mane|stat)(?![a-z])))"
_IN_WORDS = re.compile(rf"(?<![a-z0-9])({'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))}){_AFTER_A_NUMBER}")
_FORM_FIRST = re.compile(
    r"(?<![a-z0-9] )(?<![a-z0-9])(tabs?|tablets?|caps?|capsules?|t)\.? "
    r"([0-9]+(?:\.[0-9]+)?|i{1,3})(?= (?!tab|cap)[a-z]| ?[-+x]|$)"
)
"""The form before the number: "tab 1 bd", "T 1 bd"."""
_TIMES_OF = {
    1: "once a day",
    2: "twice a day",
    3: "three times a day",
    4: "four times a day",
    5: "five times a day",
    6: "six times a day",
    8: "eight times a day",
    12: "every 2 hours",
    24: "every hour",
}
_HOURS_OF = {1: "every hour", 24: "once a day", 48: "every second day", 72: "every third day"} | {
    hours: f"every {hours} hours" for hours in (2, 3, 4, 6, 8, 12)
}
_PER_DAY = r"(?: ?(?:/|per|par|a|each|every) ?(?:day|jour|d|j|24 ?h)(?![a-z0-9])| ?daily(?![a-z]))"
_COUNTS = (
    re.compile(rf"(?<![a-z0-9])x ?([0-9]{{1,2}}){_PER_DAY}"),
    re.compile(rf"(?<![a-z0-9/.,])([0-9]{{1,2}}) ?(?:x|times|fois){_PER_DAY}"),
)
_COUNT_ALONE = re.compile(
    rf"(?<![a-z0-9])x ?([0-9]{{1,2}})(?![0-9/.,]| ?(?:/|{LENGTHS})|[a-z])"
    r"|(?<![a-z0-9/.,])([0-9]{1,2}) ?x(?![a-z0-9]|[^0-9]*[0-9])"
)
MAX_COUNT_ALONE = 5
"""The most times that "x 3" without "a day" means: a larger number is how many are given."""
_HOUR = r"(?:h|hr|hrs|hour|hours|hourly|hrly|hly|heures?)"
_RANGES = {("4", "6"), ("6", "8"), ("8", "12")}
_HOURS = r"([0-9]{1,2}) ?(?:-|to|a) ?([0-9]{1,2}) ?-? ?"
_RANGES_OF_HOURS = (
    re.compile(rf"(?<![a-z0-9])(?:every|each|q|toutes les) ?{_HOURS}{_HOUR}(?![a-z0-9])"),
    re.compile(rf"(?<![0-9.,/-]){_HOURS}(?:hourly|hrly|hly)(?![a-z0-9])"),
)
"""Without "every" or "hourly" the hours may be the length of an infusion."""
_AMOUNT_TIMES_DAYS = re.compile(
    r"(?<![a-z0-9./])([0-9]{1,2}) ?x ?([1-5]) ?x ?([0-9]{1,2})(?: ?(?:days?|jours?|j))?(?![a-z0-9./])"
)
_INTERVALS = (
    re.compile(rf"(?<![a-z0-9])(?:every|each|toutes les) ?([0-9]{{1,2}}) ?-? ?{_HOUR}(?![a-z0-9])"),
    re.compile(rf"(?<![a-z0-9])q ?([0-9]{{1,2}}) ?-? ?{_HOUR}?(?![a-z0-9])"),
    re.compile(r"(?<![a-z0-9/.,])([0-9]{1,2}) ?-? ?(?:hourly|hrly|hly)(?![a-z0-9])"),
)
_WORDS = {
    "thrice daily": "three times a day",
    "thrice a day": "three times a day",
    "morning and night": "twice a day",
    "morning and evening": "twice a day",
    "matin midi et soir": "three times a day",
    "matin midi soir": "three times a day",
    "matin, midi et soir": "three times a day",
    "matin et soir": "twice a day",
    "nightly": "at night",
    "every 2 days": "every second day",
    "tous les 2 jours": "every second day",
    "every 3 days": "every third day",
    "tous les 3 jours": "every third day",
}
_WORD = re.compile(r"(?<![a-z0-9-])(" + "|".join(_WORDS) + r")(?![a-z])")
_EACH_HOUR = re.compile(r"(?<![a-z0-9-])(?<![0-9] )hourly(?![a-z])")
"""Not after a number: "5 hourly" would be another interval."""
_ONE_A_DAY = re.compile(rf"(?<![0-9a-z/.,])1 ?({_COUNTED_WORD}) (?:per|a|par) (?:day|jour)(?![a-z])")
"""One of a thing in a day is once a day; two could be one twice a day, and a weight could be the sum of the day."""
_FORM_OF_A_STRENGTH = re.compile(
    r"(?<![a-z0-9] )(?<![a-z0-9])(?:tabs?|tablets?|caps?|capsules?|inj|syr|syrup|susp)\.? "
    r"(?=[0-9]+(?:\.[0-9]+)? ?(?:mg|g|gm|mcg|micrograms|units|iu|ml)(?![a-z/]))"
)
"""The form before a strength, "tab 5 mg od", says nothing that the medicine does not."""
_NUMBER = r"[0-9]{1,3}(?:\.[0-9]{1,3})?"
_SLOTS = re.compile(
    rf"(?<![0-9a-z.,/+-])({_NUMBER}) ?[-+] ?({_NUMBER}) ?[-+] ?({_NUMBER})(?: ?[-+] ?({_NUMBER}))?"
    r"(?![0-9/+-]|[.,][0-9])"
)
_OTHER_AMOUNT = re.compile(r"[0-9] ?[a-zµμ]")
_MILLIONS = re.compile(
    r"(?<![0-9a-z.,/])((?:[1-9][0-9]?|0)(?:\.[0-9]{1,3})?) ?(?:million|mega) ?-?(?:units?|iu|ui)(?![a-z0-9/])"
)
_BELOW_ZERO = re.compile(r"(?:^\s*|(?<=[a-z]) )[-−–](?=\s?[0-9.,½¼¾])", re.IGNORECASE)
_ZERO = re.compile(r"\s*0+(?:[.,]0*)?(?![0-9.,/+-]|\s*[-+]\s*[0-9])")


def expand_millions(text: str) -> str:
    """`text` with "1200000 units" for "1.2 million units"."""
    return _MILLIONS.sub(lambda match: f"{Decimal(match[1]) * 1_000_000:.0f} units", text)


def expand_fractions(text: str) -> str:
    """`text` with decimals for ½, ¼, ¾, 1/2, "half" and "two and a half"; a small number before belongs to it (2½ -> 2.5), a
    large one is a strength: 250 ½ stays and is refused."""

    def decimal(match: re.Match[str]) -> str:
        if int(match[1] or 0) > MAX_WHOLE:
            return match[0]
        return (match[1] or "0") + _VULGAR[match[2].replace(" ", "")]

    halves = _HALF.sub(lambda match: f"{_COUNT_WORDS.get(match[1], 0)}.5", text)
    return _FRACTION.sub(decimal, halves)


def expand_hour_ranges(text: str) -> str:
    """`text` with the word "q6to8h" for "every 6-8 hours"; a range that no frequency has stays and is refused."""
    for pattern in _RANGES_OF_HOURS:
        text = pattern.sub(_describe_range, text)
    return text


def expand_slots(text: str) -> str:
    """`text` with the frequency for `1-0-1`, and its amount when the text has no other one."""
    text = re.sub(r"-{2,}", "-", text)
    return _SLOTS.sub(lambda match: _describe_slots(match, text), text)


def expand_frequencies(text: str) -> str:
    """`text` (lower case, with fractions and ranges of hours expanded) with known phrases for counts, intervals and
    `1-0-1`."""
    text = _AMOUNT_TIMES_DAYS.sub(
        lambda match: f"{match[1]} {_TIMES_OF.get(int(match[2]), match[0])} {match[3]} days", text
    )
    text = re.sub(r"(?<=[0-9])x(?=[0-9])", " x ", text)
    text = _FORM_OF_A_STRENGTH.sub("", text)
    text = _FORM_FIRST.sub(_form_last, text)
    text = _IN_WORDS.sub(lambda match: _NUMBER_WORDS[match[1]], text)
    for pattern in _INTERVALS:
        text = pattern.sub(lambda match: _HOURS_OF.get(int(match[1]), match[0]), text)
    for pattern in _COUNTS:
        text = pattern.sub(lambda match: f" {_TIMES_OF.get(int(match[1]), match[0])} ", text)
    text = _COUNT_ALONE.sub(_describe_count, text)
    text = _ONE_A_DAY.sub(r"1 \1 once a day", _EACH_HOUR.sub("every hour", text))
    return " ".join(_WORD.sub(lambda match: _WORDS[match[1]], text).split())


def _form_last(match: re.Match[str]) -> str:
    """ "2 tab" for "tab 2" or "tab ii"; a larger number is a strength without its unit, and stays."""
    number = _NUMBER_WORDS.get(match[2], match[2])
    return match[0] if float(number) > MAX_WHOLE else f"{number} {'cap' if match[1].startswith('c') else 'tab'}"


def _describe_range(match: re.Match[str]) -> str:
    return f"q{match[1]}to{match[2]}h" if (match[1], match[2]) in _RANGES else match[0]


def _describe_count(match: re.Match[str]) -> str:
    """The word "x3", which means three times a day when no other frequency is written. "x 1" is once a day only after one
    of a thing (1 x 1): elsewhere it may be a single dose."""
    count, before = int(match[1] or match[2]), match.string[: match.start()].split()
    is_times = 2 <= count <= MAX_COUNT_ALONE or (count == 1 and before[-1:] == ["1"])
    return f" x{count} " if is_times else match[0].replace("x", "x ")


def _describe_slots(match: re.Match[str], text: str) -> str:
    """The frequency of `1-0-1`, with its amount when the text has no other one."""
    counts = [float(count) for count in match.groups() if count is not None]
    taken = {count for count in counts if count}
    if len(taken) != 1:
        raise RuleBroken(N_("Enter one line for each amount, because the amounts in a day differ."), "dose")
    times = sum(1 for count in counts if count)
    phrase = _TIMES_OF[times]
    places = [place for place, count in enumerate(counts) if count]
    if times == 1:
        phrase = {0: "in the morning", len(counts) - 1: "at night"}.get(places[0], "")
    if not phrase or (times == 2 and (places[0] != 0 or places[1] == 1)):
        message = N_("Write how often in words, for example bd, and the times of day under Instructions.")
        raise RuleBroken(message, "dose")
    amount = next(count for count in match.groups() if count is not None and float(count))
    around = text[: match.start()] + " " + text[match.end() :]
    # "1-0-1 tablets": the unit stands behind; "500 mg 1-0-1": the amount stands before.
    has_own_amount = _OTHER_AMOUNT.search(re.sub(rf"[0-9]{{1,3}} ?(?:{LENGTHS}|/ ?(?:7|52|12)(?![0-9]))", "", around))
    if has_own_amount is None:
        return f"{phrase} {amount}"
    if taken != {1.0}:
        raise RuleBroken(N_("Enter the amount of one dose only once, for example 2 tablets bd."), "dose")
    return phrase


def check_amount_text(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for an amount of zero or below ("-1 tablet"), also of an unknown medicine."""
    if _BELOW_ZERO.search(text) or _ZERO.match(text):
        raise RuleBroken(N_("Enter an amount above zero."), field)
