"""How likely two records are the same person, and why.

Each point of comparison adds or takes evidence, as in I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage",
Journal of the American Statistical Association 64 (1969). Names alone never suffice: in West Africa a few family names
are shared by half the population, and relatives share a family name, a phone and an address.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from flask_babel import lazy_gettext as _l
from rapidfuzz.distance import OSA, JaroWinkler

from hms.core.text.cleaning import digits, fold

STRONG = 0.85
"""From this score on, saving needs a confirmation."""
WORTH_SHOWING = 0.5

_MIDDLE, _STEEPNESS = 5.0, 0.63
_NAME_EVIDENCE = ((0.0, -9.0), (0.70, -6.0), (0.80, -2.0), (0.90, 2.5), (0.97, 4.6), (1.0, 5.0))
_MAX_TOKENS = 8
_WORD = re.compile(r"[^\W_]+")
_SOUNDS = (
    (re.compile("dj|di(?=a)|gi(?=a)"), "j"),
    (re.compile("ph"), "f"),
    (re.compile("ck|q|kh|c(?!h)"), "k"),
    (re.compile("ou|oo|u|w"), "o"),
    (re.compile("y|ee"), "i"),
    (re.compile("z"), "s"),
    (re.compile("(?<!^)(?<!c)(?<!s)h"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


@dataclass(frozen=True, slots=True)
class ComparedPerson:
    """The facts that are compared. `sex` is a FHIR code, `phone` is E.164 if known, `other_phones` are further numbers of the
    person; everything but the name may be missing."""

    given: str
    family: str = ""
    birth_date: date | None = None
    is_estimated: bool = False
    sex: str = "unknown"
    phone: str | None = None
    address: str = ""
    other_names: str = ""
    national_id: str = ""
    other_phones: tuple[str, ...] = ()


class MatchScore(NamedTuple):
    """`score` from 0 to 1; `reasons` are sentences for people, the weightiest first."""

    score: float
    reasons: list[str]


class _Evidence(NamedTuple):
    weight: float
    reason: str = ""


def score_match(a: ComparedPerson, b: ComparedPerson) -> MatchScore:
    """How likely `a` and `b` are one person. The order of the two does not matter."""
    evidence_list = [
        _names(a, b),
        _birth(a, b),
        _phones(a, b),
        _sex(a.sex, b.sex),
        _address(a.address, b.address),
        _national_id(a.national_id, b.national_id),
    ]
    total = sum(evidence.weight for evidence in evidence_list)
    score = 1 / (1 + math.exp(-_STEEPNESS * (total - _MIDDLE)))
    reasons = sorted((e for e in evidence_list if e.reason), key=lambda e: -abs(e.weight))
    return MatchScore(round(score, 3), [e.reason for e in reasons])


@lru_cache(maxsize=4096)
def tokens(name: str) -> tuple[str, ...]:
    """The folded words of a name, without hyphens and apostrophes; at most eight."""
    return tuple(_WORD.findall(fold(name).replace("'", ""))[:_MAX_TOKENS])


def _names(a: ComparedPerson, b: ComparedPerson) -> _Evidence:
    """By the names, and by those with the other names (of before marriage, preferred): what says more."""
    alone = _own_names(a, b)
    if not (a.other_names or b.other_names):
        return alone
    mine, theirs = (tokens(p.given) + tokens(p.family) + tokens(p.other_names) for p in (a, b))
    similarity = _similarity_in_any_order(mine, theirs)
    reason = _l("similar name") if similarity >= 0.85 else ""
    return max(alone, _Evidence(_interpolate_evidence(similarity), reason), key=lambda evidence: evidence.weight)


def _own_names(a: ComparedPerson, b: ComparedPerson) -> _Evidence:
    mine, theirs = tokens(a.given) + tokens(a.family), tokens(b.given) + tokens(b.family)
    if not mine or not theirs:
        return _Evidence(0.0)
    similarity = _similarity_in_any_order(mine, theirs)
    if similarity > 0.97 and sorted(mine) == sorted(theirs):
        same_order = mine == theirs or tokens(a.family) == tokens(b.family)
        return _Evidence(5.0, _l("same name") if same_order else _l("same names in another order"))
    return _Evidence(_interpolate_evidence(similarity), _l("similar name") if similarity >= 0.85 else "")


def _similarity_in_any_order(mine: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """0 to 1: compares each word of the shorter name with its best partner; the worst pair weighs as much as the mean."""
    few, many = (mine, theirs) if (len(mine), mine) <= (len(theirs), theirs) else (theirs, mine)
    best = _best_pairs(few, many)
    together = (sum(best) / len(best) + min(best)) / 2
    is_one_of_many = len(few) == 1 and len(many) > 1
    return min(together - 0.03 * min(len(many) - len(few), 3), 0.84 if is_one_of_many else 1.0)


def _best_pairs(few: tuple[str, ...], many: tuple[str, ...]) -> list[float]:
    """Similarity of each of the `few` with a partner of its own among the `many`; the most similar pairs are chosen first."""
    ranked = sorted(
        [(word_similarity(x, y), i, j) for i, x in enumerate(few) for j, y in enumerate(many)], reverse=True
    )
    best: list[float] = []
    placed: set[int] = set()
    taken: set[int] = set()
    for similarity, i, j in ranked:
        if i not in placed and j not in taken:
            best.append(similarity)
            placed.add(i)
            taken.add(j)
    return best


@lru_cache(maxsize=65536)
def word_similarity(x: str, y: str) -> float:
    """0 to 1 for two words; close to 1 for spellings of one sound (Diallo and Jalloh, Mohamed and Muhammad)."""
    if x == y:
        return 1.0
    if min(len(x), len(y)) == 1:
        return 0.86 if x[0] == y[0] else 0.0
    a, b = _sound(x), _sound(y)
    if a == b:
        return 0.96
    if OSA.distance(x, y) == 1 and min(len(x), len(y)) > 3:
        return 0.93
    return max(_resemblance(x, y), 0.98 * _resemblance(a, b))


def _resemblance(x: str, y: str) -> float:
    """Jaro-Winkler alone finds Ramatu in Mariatu, edits alone lose Kadie for Kadiatu; the mean keeps twins apart."""
    return (JaroWinkler.similarity(x, y) + OSA.normalized_similarity(x, y)) / 2


@lru_cache(maxsize=8192)
def _sound(word: str) -> str:
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


def _interpolate_evidence(similarity: float) -> float:
    """Evidence for a similarity of names, in straight lines between the points of the table."""
    for (low, weak), (high, strong) in pairwise(_NAME_EVIDENCE):
        if similarity <= high:
            return weak + (strong - weak) * (similarity - low) / (high - low)
    return _NAME_EVIDENCE[-1][1]


def _birth(a: ComparedPerson, b: ComparedPerson) -> _Evidence:
    if a.birth_date is None or b.birth_date is None:
        return _Evidence(0.0)
    if a.is_estimated or b.is_estimated:
        return _estimated(abs(a.birth_date.year - b.birth_date.year))
    return _exact(*sorted((a.birth_date, b.birth_date)))


def _estimated(years_apart: int) -> _Evidence:
    if years_apart <= 2:
        return _Evidence(1.8 if years_apart == 0 else 1.4, _l("estimated years of birth match"))
    return _Evidence(-0.5 if years_apart <= 5 else -4.0)


def _exact(earlier: date, later: date) -> _Evidence:
    if earlier == later:
        is_stand_in = (earlier.month, earlier.day) == (
            1,
            1,
        )  # often recorded for people who know only their year of birth
        return _Evidence(2.8 if is_stand_in else 5.5, _l("same date of birth"))
    if earlier.year == later.year and (earlier.day, earlier.month) == (later.month, later.day):
        return _Evidence(4.5, _l("day and month of birth swapped"))
    if (later - earlier).days == 1:
        return _Evidence(4.2, _l("dates of birth one day apart"))
    if sum(x != y for x, y in zip(earlier.isoformat(), later.isoformat(), strict=True)) == 1:
        return _Evidence(1.5, _l("dates of birth differ in one digit"))
    return _Evidence(-4.0)


def _phones(a: ComparedPerson, b: ComparedPerson) -> _Evidence:
    """By the first phones, or by those of all that say most: one in common suffices, and further ones that differ say nothing."""
    first = _phone(a.phone, b.phone)
    if not (a.other_phones or b.other_phones):
        return first
    pairs = [_phone(mine, theirs) for mine in (a.phone, *a.other_phones) for theirs in (b.phone, *b.other_phones)]
    return max(first, *pairs, key=lambda evidence: evidence.weight)


def _phone(mine: str | None, theirs: str | None) -> _Evidence:
    a, b = _dialled(mine or ""), _dialled(theirs or "")
    if len(a) < 6 or len(b) < 6:
        return _Evidence(0.0)
    if a == b:
        return _Evidence(3.5, _l("same phone"))
    if OSA.distance(a, b) == 1:
        return _Evidence(1.5, _l("phone differs in one digit"))
    return _Evidence(-0.4)


@lru_cache(maxsize=4096)
def _dialled(phone: str) -> str:
    return digits(phone)[-9:]


def _sex(mine: str, theirs: str) -> _Evidence:
    if "unknown" in (mine, theirs):
        return _Evidence(0.0)
    return _Evidence(0.3) if mine == theirs else _Evidence(-2.0, _l("different sex"))


def _national_id(mine: str, theirs: str) -> _Evidence:
    a, b = _plain(mine), _plain(theirs)
    if not a or not b:
        return _Evidence(0.0)
    return _Evidence(12.0, _l("same national ID")) if a == b else _Evidence(-1.5)


def _plain(identifier: str) -> str:
    return "".join(sign for sign in identifier.upper() if sign.isalnum())


def _address(mine: str, theirs: str) -> _Evidence:
    a, b = set(tokens(mine)), set(tokens(theirs))
    is_same = bool(a) and len(a & b) >= 0.6 * len(a | b)
    return _Evidence(0.6, _l("same address")) if is_same else _Evidence(0.0)


def likely_typos(born: date) -> list[date]:
    """The date, its neighbours, day and month swapped, and every date that differs in one digit."""
    dates = {born, born + timedelta(days=1), born - timedelta(days=1)}
    if born.day <= 12:
        dates.add(date(born.year, born.day, born.month))
    written = born.isoformat()
    for place, digit in enumerate(written):
        for other in "0123456789" if digit != "-" else "":
            try:
                dates.add(date.fromisoformat(written[:place] + other + written[place + 1 :]))
            except ValueError:
                continue
    return sorted(dates)


def nearest_days(born: date) -> list[date]:
    """The date, its neighbours, and day and month exchanged."""
    swapped = [date(born.year, born.day, born.month)] if born.day <= 12 else []
    return [born, born + timedelta(days=1), born - timedelta(days=1), *swapped]
