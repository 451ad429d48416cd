"""How well a patient fits a typed line: each part of the line counts, and one that does not fit lowers the rank."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rapidfuzz.distance import OSA

from hms.core import clock
from hms.core.text.cleaning import fold

from .conditions import (
    MIN_IDENTIFIER,
    MIN_KIN_DIGITS,
    MIN_PHONE_DIGITS,
    ends_identifier,
    identifier,
    stored_forms,
)
from .match_scoring import word_similarity
from .query_parser import SearchQuery
from .typed_facts import Days, born_at_age

FITS = 0.9
"""From this value on a part fits."""
_WORD, _INITIAL, _BEGINNING, _LEAST = 1.0, 0.9, 0.95, 0.55
_WEIGHTS = {"birth": 1.5, "year": 1.0, "age": 1.0, "sex": 0.5, "title": 0.1, "number": 4.0, "phone": 2.0, "digits": 0.9}
_EXTRA_WORD = 0.01


@dataclass(frozen=True, slots=True)
class Relevance:
    """`score` from 0 to 1, and whether every part of the line fits, each word as a whole (`is_whole`) or as a beginning."""

    score: float
    fits: bool
    is_whole: bool


class LineScore:
    """A typed line, to be compared with many patients (rows with the columns of `queries.RANKED` and `holds_number`)."""

    def __init__(self, query: SearchQuery) -> None:
        self.words = tuple(part for word in query.words for part in split_name(word))
        parts: list[tuple[float, Callable[[Any], float]]] = []
        if query.hospital_number is not None and query.alternative_digits is None:
            parts.append((_WEIGHTS["number"], lambda row: float(_holds(query.hospital_number, row))))
        if query.other_number and query.looks_into_identifiers:
            other = identifier(query.other_number)
            parts.append((_WEIGHTS["number"], lambda row: float(ends_identifier(other, row.identifiers))))
        if query.short_number is not None:
            parts.append((_WEIGHTS["number"], lambda row: float(_holds(query.short_number, row))))
        if (birth := self._birth(query)) is not None:
            parts.append(birth)
        if query.born is not None:
            days, is_month = query.born, query.born.last.day - query.born.first.day > 26
            parts.append((_WEIGHTS["age"], lambda row: _fit_days(days, row, is_month=is_month)))
        parts += [(_WEIGHTS["sex"], _sex_part(sex, word)) for word, sex in query.sexes]
        parts += [(_WEIGHTS["title"], _title_part(title)) for title in query.titles]
        parts += [(_digits_weight(run), _digits_part(run, query)) for run in query.digit_runs]
        self.parts = parts

    def _birth(self, query: SearchQuery) -> tuple[float, Callable[[Any], float]] | None:
        readings: list[Callable[[Any], float]] = []
        if query.birth_date is not None:
            born = query.birth_date
            readings.append(lambda row: _fit_date(born, row))
        if query.birth_year is not None:
            year = query.birth_year
            readings.append(lambda row: _fit_year(year, row))
        if query.alternative_digits:
            readings.append(_digits_part(query.alternative_digits, query))
            number = query.hospital_number
            readings.append(lambda row: float(_holds(number, row)))
        if not readings:
            return None
        weight = "birth" if query.birth_date is not None else "year"
        return _WEIGHTS[weight if query.hospital_number is None else "number"], lambda row: max(
            r(row) for r in readings
        )

    def of(self, row: Any) -> Relevance:
        """How well the patient fits."""
        own = row.search_names.split()
        names = _fit_words(self.words, own) if self.words else []
        others = [(weight, part(row)) for weight, part in self.parts]
        ids = _fit_identifiers(self.words, names, row)
        total = sum(ids) * _WORD + sum(weight * fit for weight, fit in others)
        most = len(ids) * _WORD + sum(weight for weight, _fit in others)
        fits = all(fit >= FITS for fit in ids) and all(
            fit >= FITS for weight, fit in others if weight > _WEIGHTS["title"]
        )
        is_whole = fits and all(fit >= _WORD for fit in ids)
        extra = _EXTRA_WORD * max(len(own) - len(self.words), 0) if self.words else 0.0
        return Relevance(total / most - extra if most else 0.0, fits, is_whole)


def _holds(number: int | None, row: Any) -> bool:
    """Whether the record has the typed number, or holds the one that had it before a merge."""
    return number is not None and (row.number == number or row.holds_number)


def split_name(name: str) -> list[str]:
    """The words of a typed name as `search_names` has them."""
    return fold(name).replace("'", "").replace("-", " ").split()


def _fit_words(typed: Iterable[str], own: list[str]) -> list[float]:
    """For each typed word how well its partner fits; the best pairs are chosen first, and no word has two partners."""
    words = list(typed)
    pairs = sorted(
        ((_fit_word(word, name), i, j) for i, word in enumerate(words) for j, name in enumerate(own)), reverse=True
    )
    fits, taken = [0.0] * len(words), set()
    placed: set[int] = set()
    for fit, i, j in pairs:
        if i not in placed and j not in taken:
            placed.add(i)
            taken.add(j)
            fits[i] = fit
    return fits


def _fit_word(typed: str, name: str) -> float:
    if typed == name:
        return _WORD
    if name.startswith(typed):
        return _BEGINNING if len(typed) > 1 else _INITIAL
    similarity = word_similarity(typed, name)
    return min(similarity, 0.89) if similarity > _LEAST else 0.0


def _fit_identifiers(words: tuple[str, ...], fits: list[float], row: Any) -> list[float]:
    """`fits`, with 1 for a word that is in the national ID or another number."""
    known = row.identifiers
    if known == "," or all(fit >= FITS for fit in fits):
        return fits
    return [1.0 if _is_in(identifier(word), known) else fit for word, fit in zip(words, fits, strict=True)]


def _is_in(plain: str, known: str) -> bool:
    """Whether it is one of the numbers, or the letters that one begins with."""
    if len(plain) >= MIN_IDENTIFIER:
        return ends_identifier(plain, known)
    return bool(plain) and f",{plain}" in f",{known}"


def _fit_date(born: date, row: Any) -> float:
    known = row.date_of_birth
    if known is None:
        return 0.3
    if known == born:
        return 1.0
    if row.birth_is_estimated:
        return _by_years(abs(known.year - born.year), (0.85, 0.8, 0.7, 0.3))
    if known.year == born.year and (known.day, known.month) == (born.month, born.day):
        return 0.85
    if sum(x != y for x, y in zip(known.isoformat(), born.isoformat(), strict=True)) == 1:
        return 0.8
    if abs((known - born).days) <= 1 or OSA.distance(f"{known:%d%m%Y}", f"{born:%d%m%Y}") == 1:
        return 0.8
    same = [known.year == born.year, known.month == born.month, known.day == born.day]
    return 0.6 if sum(same) == 2 else _by_years(abs(known.year - born.year), (0.35, 0.2, 0.15))


def _fit_year(year: int, row: Any) -> float:
    known = row.date_of_birth
    if known is None:
        return 0.3
    if known.year != year and sum(x != y for x, y in zip(str(known.year), str(year), strict=True)) == 1:
        return max(_by_years(abs(known.year - year), (1.0, 0.8, 0.7)), 0.3)
    return _by_years(abs(known.year - year), (1.0, 0.8, 0.7, 0.3, 0.2))


def _fit_days(days: Days, row: Any, *, is_month: bool) -> float:
    known = row.date_of_birth
    if known is None:
        return 0.3
    if days.first <= known <= days.last:
        return 1.0
    away = max((days.first - known).days, (known - days.last).days)
    span = max((days.last - days.first).days + 1, 7 if not is_month else 30)
    if away <= span:
        return 0.8
    return 0.65 if away <= 2 * span else 0.3 if away <= 5 * span else 0.0


def _by_years(apart: int, fits: tuple[float, ...]) -> float:
    return fits[apart] if apart < len(fits) else 0.0


def _sex_part(sex: str, word: str) -> Callable[[Any], float]:
    start = f" {fold(word)}"

    def fit(row: Any) -> float:
        if row.sex == sex or (len(word) > 1 and start in row.search_names):
            return 1.0
        return FITS if row.sex not in ("female", "male") or start in row.search_names else 0.0

    return fit


def _title_part(title: str) -> Callable[[Any], float]:
    plain = fold(title).strip(".")
    return lambda row: float(fold(row.title).startswith(plain) or f" {plain}" in row.search_names)


def _digits_weight(run: str) -> float:
    return _WEIGHTS["phone"] if len(run) >= MIN_PHONE_DIGITS else _WEIGHTS["digits"]


def _digits_part(run: str, query: SearchQuery) -> Callable[[Any], float]:
    """The run as a phone, a hospital number, an age, a national ID or the phone of the next of kin."""
    forms, may_be_id = stored_forms(run), query.looks_into_identifiers
    is_age = len(run) < 4 and query.looks_into_births and query.born is None and query.birth_date is None
    days = born_at_age(int(run), "years", clock.today()) if is_age else None

    def fit(row: Any) -> float:
        phone, _blank, number = row.search_digits.partition(" ")
        fits = [_fit_digits(form, number, 0.92) for form in forms]
        if len(run) > 3 and int(run) == row.number:
            fits.append(1.0)
        if query.looks_into_phones:
            fits += [_fit_digits(form, phone, 0.95) for form in forms]
        if may_be_id and len(run) >= MIN_IDENTIFIER:
            fits.append(float(ends_identifier(run, row.identifiers)))
        if may_be_id and len(run) >= MIN_KIN_DIGITS:
            fits += [_fit_digits(form, known, 0.97) for form in forms for known in row.kin_digits.split()]
        if days is not None:
            fits.append(0.98 * _fit_days(days, row, is_month=False))
        return max(fits)

    return fit


def _fit_digits(run: str, known: str, at_the_end: float) -> float:
    """1 for the whole number, less for its end, its beginning or a part; one wrong digit of a long run."""
    if not known:
        return 0.0
    if run == known or (len(run) >= MIN_PHONE_DIGITS and known.endswith(run)):
        return 1.0
    if run in known:
        return FITS if len(run) > 1 and not known.endswith(run) else at_the_end
    if len(run) >= MIN_PHONE_DIGITS:
        return {0: 0.85, 1: 0.7}.get(OSA.distance(run, known[-len(run) :], score_cutoff=1), 0.0)
    return 0.0
