"""How long a patient will wait, from how long others waited: plain arithmetic (decision 0028 has the reasons).

Those who call patients are doctors and service points; here both are *callers*.

A *turn* is the time from one call of a caller to the next while the next patient was already waiting. It holds everything that
keeps a patient waiting: the visit before, the walk from the chairs, a cup of tea. A *gap* is the time from the end of a visit to
the next call while somebody waited. The wait of a patient is what is left of the present turn (a gap when the caller is free) and
one turn for each patient who is called before. Of that sum the mean and the variance are added up; the bounds are quantiles of
the gamma distribution with that mean and variance (Wilson and Hilferty, PNAS 17:684, 1931).

Before the first call of a day the present turn is not known. Then it is the time to the *first call* of the last weeks on the
same day of the week; such a wait says that it is an estimate from past days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil, floor, sqrt
from statistics import fmean, pvariance
from typing import NamedTuple

MIN_TURNS = 20
"""With fewer turns in the last weeks nothing is said of a caller, or of one kind of visit."""
MIN_LONGER = 5
"""The present turn is compared with those that took longer; with fewer of them, it is taken to last a usual turn more."""
MIN_SECONDS, MAX_SECONDS = 30, 4 * 3600
"""A shorter turn is a correction of the list, a longer one a caller who went away."""
QUIET_SECONDS = 3600
"""A free caller who has neither called nor ended a visit for so long may have gone: nothing is said."""
LEAST_DAY_VARIANCE = 0.15**2
"""Whole days differ by 15 % at least, also where the days of the last weeks were alike by chance."""
MOST_OVERTAKEN = 0.6
"""Of the time of a caller, the largest part that is reckoned to go to patients who overtake."""
MIN_FIRST_CALLS = 4
"""With fewer days of the same weekday nothing is said before the first call."""
MIN_LATER = 3
"""When fewer of those days began later than it is now, the caller is later than usual, and nothing is said."""
TENTH = 1.2816
"""The normal deviate that one in ten exceeds: eight of ten waits lie between the bounds."""
STEP_SECONDS = 300

ALL_KINDS, BOOKED, WALK_IN = "", "booked", "walk_in"
"""Kinds of visit: with an appointment and without; a visit type is a kind of its own, by its id. The empty word is for all."""
PRIORITIES = (1, 2, 3, 4)


class Call(NamedTuple):
    """A call of the last weeks, with the one before of that caller and day."""

    caller_id: int
    day: date
    priority: int
    waited: int
    """Seconds from the arrival to the call."""
    overtakers: int
    """How many patients came later and were called before."""
    kind_before: str | None
    """The kind of visit of the patient who was called before."""
    turn: int | None
    """Seconds since the call before, if this patient waited by then."""
    gap: int | None
    """Seconds since the visits before had ended, if this patient waited by then."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of one kind with their mean and variance, and how much whole days differ (relative variance)."""

    seconds: tuple[int, ...]
    mean: float
    variance: float
    day_variance: float = 0.0

    @classmethod
    def of(cls, seconds: Sequence[int], day_variance: float = 0.0) -> Spread:
        """The spread of these seconds, of which there is at least one."""
        mean = fmean(seconds)
        return cls(tuple(seconds), mean, pvariance(seconds, mean), day_variance)

    def left_after(self, elapsed: float) -> tuple[float, float]:
        """Mean and variance of what is left of a turn that began `elapsed` seconds ago."""
        longer = [second - elapsed for second in self.seconds if second > elapsed]
        if len(longer) < MIN_LONGER:
            return self.mean, self.mean**2
        mean = fmean(longer)
        return mean, pvariance(longer, mean)


@dataclass(frozen=True, slots=True)
class Pace:
    """The turns of a caller for one kind of visit or for all, and the gaps of that caller."""

    turns: Spread
    gaps: Spread | None
    overtaken: tuple[float, ...]
    """For each priority: how many who came later are called before, for each second of waiting."""
    first_calls: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """By weekday (0 is Monday): the first calls of past days, in seconds after midnight."""


def make_first_calls(days: Iterable[tuple[date, int]]) -> dict[int, list[int]]:
    """The first calls of one caller by weekday, from days and seconds after midnight; weekdays with fewer than
    `MIN_FIRST_CALLS` are left out."""
    by_weekday: dict[int, list[int]] = defaultdict(list)
    for day, second in days:
        by_weekday[day.weekday()].append(second)
    return {weekday: sorted(calls) for weekday, calls in by_weekday.items() if len(calls) >= MIN_FIRST_CALLS}


def make_paces(calls: Iterable[Call]) -> dict[int, dict[str, Pace]]:
    """The paces by caller and kind of visit; kinds and callers with fewer than `MIN_TURNS` turns are left out."""
    of_caller: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        of_caller[call.caller_id].append(call)
    paces = {caller_id: _paces_of_caller(own) for caller_id, own in of_caller.items()}
    return {caller_id: kinds for caller_id, kinds in paces.items() if kinds}


def _paces_of_caller(calls: Sequence[Call]) -> dict[str, Pace]:
    gaps = [call.gap for call in calls if call.gap is not None and 0 <= call.gap <= MAX_SECONDS]
    spread_of_gaps, overtaken = Spread.of(gaps) if gaps else None, _overtaken(calls)
    paces = {}
    for kind in (ALL_KINDS, *sorted({call.kind_before for call in calls if call.kind_before})):
        days: dict[date, list[int]] = defaultdict(list)
        for call in calls:
            if kind in (ALL_KINDS, call.kind_before) and call.turn and MIN_SECONDS <= call.turn <= MAX_SECONDS:
                days[call.day].append(call.turn)
        turns = [turn for day in days.values() for turn in day]
        if len(turns) >= MIN_TURNS:
            spread = Spread.of(turns, _day_variance(list(days.values()), fmean(turns)))
            paces[kind] = Pace(spread, spread_of_gaps, overtaken)
    return paces


def _day_variance(days: Sequence[Sequence[int]], mean: float) -> float:
    """How much the means of days differ beyond chance, relative to the mean (analysis of variance, by moments)."""
    several = [day for day in days if len(day) > 1]
    if len(several) < 2:
        return LEAST_DAY_VARIANCE
    within = sum(pvariance(day) * len(day) for day in several) / sum(len(day) - 1 for day in several)
    between = fmean((fmean(day) - mean) ** 2 for day in several) - within * fmean(1 / len(day) for day in several)
    return max(between / mean**2, LEAST_DAY_VARIANCE)


def _overtaken(calls: Sequence[Call]) -> tuple[float, ...]:
    """The rate for each priority; of all priorities together for one with few calls."""
    rates = []
    for priority in PRIORITIES:
        same = [call for call in calls if call.priority == priority]
        some = same if len(same) >= MIN_TURNS else calls
        rates.append(sum(call.overtakers for call in some) / max(sum(max(call.waited, 0) for call in some), 1))
    return tuple(rates)


@dataclass(frozen=True, slots=True)
class _Paced:
    """`paces` has one for each known kind of visit, and one for all kinds."""

    paces: Mapping[str, Pace]

    def pace(self, kind: str) -> Pace:
        """The pace with this kind of visit; with all kinds when too little is known of this one."""
        return self.paces.get(kind) or self.paces[ALL_KINDS]


@dataclass(frozen=True, slots=True)
class Caller(_Paced):
    """A doctor or service point that has begun today."""

    called_at: datetime
    called_kind: str
    is_free: bool
    """Whether all who were called have gone."""

    def line(self, now: datetime) -> _Line:
        """The time until the caller calls again."""
        pace = self.pace(self.called_kind)
        if self.is_free and pace.gaps:
            return _Line(pace.gaps.mean, pace.gaps.variance)
        return _Line(*pace.turns.left_after((now - self.called_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class ComingCaller(_Paced):
    """A doctor or service point that has called nobody today. `seconds_left` are the times from now to the first call, as it
    was on past days of the same weekday."""

    seconds_left: Sequence[int]

    def line(self, _now: datetime) -> _Line:
        """The time until the caller begins; few days say little, so the variance is that of a prediction."""
        count, mean = len(self.seconds_left), fmean(self.seconds_left)
        variance = pvariance(self.seconds_left, mean) * (count + 1) / (count - 1)
        return _Line(mean, variance, is_from_past_days=True)


def coming_caller(paces: Mapping[str, Pace], weekday: int, second: int) -> ComingCaller | None:
    """A caller who has not begun by this second of the day; None when past days say too little of it."""
    first_calls = paces[ALL_KINDS].first_calls.get(weekday, ())
    left = [first - second for first in first_calls if first > second]
    return ComingCaller(paces, left) if len(left) >= MIN_LATER else None


def is_here(now: datetime, called_at: datetime, ended_at: datetime | None, *, is_free: bool) -> bool:
    """Whether a caller who called last at `called_at` and ended a visit last at `ended_at` is still taken to be working."""
    last = called_at if ended_at is None else max(called_at, ended_at)
    return (now - last).total_seconds() <= (QUIET_SECONDS if is_free else MAX_SECONDS)


class Wait(NamedTuple):
    """Seconds: of ten patients one waits less than `low` and one longer than `high`; half of them wait longer than `likely`."""

    low: float
    likely: float
    high: float
    is_from_past_days: bool = False
    """Whether nobody was called today, so that the beginning is estimated from past days."""


@dataclass(slots=True)
class _Line:
    """The time until a caller's next call, in seconds; `turns` is the part of it that is whole turns."""

    mean: float
    variance: float
    turns: float = 0.0
    uncertainty: float = 0.0
    is_from_past_days: bool = False

    def add(self, spread: Spread) -> None:
        self.mean += spread.mean
        self.variance += spread.variance
        self.turns += spread.mean
        self.uncertainty = spread.day_variance + spread.variance / spread.mean**2 / len(spread.seconds)

    def wait(self, turns: Spread, overtaken: float) -> Wait:
        """The bounds of the wait until then, when `overtaken` patients a second come later and are called before.

        Days differ as a whole, and a mean of few turns is not exact: both widen long waits more than short ones. Those who
        overtake lengthen the wait, and while they are seen others overtake: the mean and variance of a delay busy period
        (Conway, Maxwell and Miller, Theory of Scheduling, 1967, section 8-4).
        """
        busy = min(overtaken * turns.mean, MOST_OVERTAKEN)
        variance = self.variance + self.turns**2 * self.uncertainty
        second_moment = turns.variance + turns.mean**2
        mean = self.mean / (1 - busy)
        variance = variance / (1 - busy) ** 2 + busy / turns.mean * self.mean * second_moment / (1 - busy) ** 3
        bounds = (_quantile(mean, variance, deviate) for deviate in (-TENTH, 0.0, TENTH))
        return Wait(*bounds, is_from_past_days=self.is_from_past_days)


def _quantile(mean: float, variance: float, deviate: float) -> float:
    """The quantile of the gamma distribution with this mean and variance (Wilson and Hilferty)."""
    if mean <= 0 or variance <= 0:
        return max(mean, 0.0)
    shape = mean**2 / variance
    return mean * max(1 - 1 / (9 * shape) + deviate / (3 * sqrt(shape)), 0.0) ** 3


class Waiting(NamedTuple):
    """A patient who is not called yet; `caller_id` is None for one who waits for any doctor."""

    entry_id: int
    caller_id: int | None
    kind: str
    priority: int


def expected_waits(
    waiting: Iterable[Waiting], callers: Mapping[int, Caller | ComingCaller], now: datetime
) -> dict[int, Wait]:
    """The wait from `now` of each of these patients, who are in calling order, by entry id.

    `callers` are those who have begun today, or whose beginning is estimated, and whose pace is known; the patients of others
    are left out. A patient who waits for any doctor goes to the one who is expected to call first.
    """
    lines = {caller_id: caller.line(now) for caller_id, caller in callers.items()}
    waits = {}
    for patient in waiting:
        caller_id = patient.caller_id or min(lines, key=lambda id_: lines[id_].mean, default=0)
        if caller_id in lines:
            line, all_kinds = lines[caller_id], callers[caller_id].paces[ALL_KINDS]
            waits[patient.entry_id] = line.wait(all_kinds.turns, all_kinds.overtaken[patient.priority - 1])
            line.add(callers[caller_id].pace(patient.kind).turns)
    return waits


class Minutes(NamedTuple):
    """A wait as pages and papers show it, in minutes."""

    low: int
    likely: int
    high: int
    is_from_past_days: bool = False

    @property
    def spans(self) -> tuple[timedelta, ...]:
        """The three as lengths of time."""
        return tuple(timedelta(minutes=minutes) for minutes in self[:3])


def shown_minutes(wait: Wait) -> Minutes:
    """The wait in steps of five minutes, the bounds rounded outwards; what is likely is at least five minutes."""
    low, high = floor(wait.low / STEP_SECONDS), ceil(wait.high / STEP_SECONDS)
    steps = (low, max(round(wait.likely / STEP_SECONDS), 1), max(high, 1))
    return Minutes(*(5 * step for step in steps), is_from_past_days=wait.is_from_past_days)
