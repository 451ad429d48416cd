"""A dose, and its wording.

The wording follows the NHS Common User Interface guidance for displaying medicines and the ISMP list of error-prone
abbreviations: words instead of codes, no trailing zero, units in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hms.core.errors import RuleBroken
from hms.core.text.formatting import quantity
from hms.core.text.translation import N_, Sentence

from .strengths import COUNTED, MEASURED, format_amount, keep_units_together

MAX_AMOUNT, MAX_UNITS = Decimal(1_000_000), Decimal(10_000_000)
"""The most of any unit, and of international units: benzathine benzylpenicillin is given in 2,400,000 units."""
MAX_DAYS_LENGTH = 366
MAX_COUNT, MAX_COUNTED = 20, {"drop": 60}
"""The most tablets, puffs and the like of one dose; of drops."""
WHOLE = frozenset({"capsule", "puff", "drop", "spray", "patch", "inhaler"})
"""Counted things that cannot be divided; the others are given to a quarter."""
ROUNDING = Decimal("0.001")
NOT_A_COUNT = "not_a_count"
ONCE = "once"
AS_REQUIRED = ""

# code: (times in 24 hours, words); of a range of hours the most times, so that limits are checked for them
FREQUENCIES: dict[str, tuple[Decimal | None, str]] = {
    ONCE: (None, N_("one dose now")),
    "once_daily": (Decimal(1), N_("once a day")),
    "twice_daily": (Decimal(2), N_("twice a day")),
    "three_times_daily": (Decimal(3), N_("three times a day")),
    "four_times_daily": (Decimal(4), N_("four times a day")),
    "five_times_daily": (Decimal(5), N_("five times a day")),
    "six_times_daily": (Decimal(6), N_("six times a day")),
    "eight_times_daily": (Decimal(8), N_("eight times a day")),
    "in_the_morning": (Decimal(1), N_("in the morning")),
    "at_night": (Decimal(1), N_("at night")),
    "every_hour": (Decimal(24), N_("every hour")),
    "every_2_hours": (Decimal(12), N_("every 2 hours")),
    "every_3_hours": (Decimal(8), N_("every 3 hours")),
    "every_4_hours": (Decimal(6), N_("every 4 hours")),
    "every_6_hours": (Decimal(4), N_("every 6 hours")),
    "every_8_hours": (Decimal(3), N_("every 8 hours")),
    "every_12_hours": (Decimal(2), N_("every 12 hours")),
    "every_4_to_6_hours": (Decimal(6), N_("every 4 to 6 hours")),
    "every_6_to_8_hours": (Decimal(4), N_("every 6 to 8 hours")),
    "every_8_to_12_hours": (Decimal(3), N_("every 8 to 12 hours")),
    "alternate_days": (Decimal("0.5"), N_("every second day")),
    "every_third_day": (Decimal(1) / 3, N_("every third day")),
    "weekly": (Decimal(1) / 7, N_("once a week")),
    AS_REQUIRED: (None, ""),
}

ROUTES: dict[str, str] = {
    "oral": N_("oral"),
    "sublingual": N_("sublingual"),
    "buccal": N_("buccal"),
    "intravenous": N_("intravenous"),
    "intramuscular": N_("intramuscular"),
    "subcutaneous": N_("subcutaneous"),
    "intradermal": N_("intradermal"),
    "rectal": N_("rectal"),
    "vaginal": N_("vaginal"),
    "topical": N_("on the skin"),
    "inhaled": N_("inhaled"),
    "nebulised": N_("by nebuliser"),
    "eye": N_("into the eye"),
    "ear": N_("into the ear"),
    "nasal": N_("into the nose"),
    "local": N_("local injection"),
}


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose and how often it is taken. Raises `RuleBroken` on the field that is wrong.

    `amount` and `max_per_day` (maximum in 24 hours) are in `unit`; `route` and `frequency_code` are keys of `ROUTES`
    and `FREQUENCIES`; `frequency_code` is `AS_REQUIRED` ("") only when `as_needed`; `days` is None when open.
    """

    amount: Decimal
    unit: str
    route: str
    times_per_day: Decimal | None
    frequency_code: str
    as_needed: bool = False
    max_per_day: Decimal | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        _check_amount(self.amount, self.unit, "amount")
        if self.unit not in MEASURED and self.unit not in COUNTED:
            raise RuleBroken(N_("Choose a unit such as mg, g, micrograms, units, mL or tablets."), "unit")
        if self.route not in ROUTES:
            raise RuleBroken(N_("Choose the route, for example oral."), "route")
        self._check_frequency()
        if self.max_per_day is not None:
            _check_amount(self.max_per_day, self.unit, "max_per_day")
            if self.max_per_day < self.amount:
                raise RuleBroken(
                    N_("The maximum in 24 hours is less than one dose. Correct one of them."), "max_per_day"
                )
        if self.days is not None and not 1 <= self.days <= MAX_DAYS_LENGTH:
            raise RuleBroken(N_("The duration must be between 1 and 366 days."), "days")

    def _check_frequency(self) -> None:
        if self.frequency_code not in FREQUENCIES or (self.frequency_code == AS_REQUIRED and not self.as_needed):
            raise RuleBroken(N_("Enter the frequency, for example three times a day."), "frequency")
        times = FREQUENCIES[self.frequency_code][0]
        if (times is None) != (self.times_per_day is None) or abs((times or 0) - (self.times_per_day or 0)) > ROUNDING:
            raise RuleBroken(
                N_("The times in a day do not fit the frequency. Choose the frequency again."), "frequency"
            )

    @classmethod
    def from_frequency(
        cls,
        amount: Decimal,
        unit: str,
        route: str,
        frequency_code: str,
        *,
        as_needed: bool = False,
        max_per_day: Decimal | None = None,
        days: int | None = None,
    ) -> Dose:
        """A dose with `times_per_day` of its frequency."""
        times = FREQUENCIES.get(frequency_code, (None, ""))[0]
        return cls(amount, unit, route, times, frequency_code, as_needed, max_per_day, days)


def _check_amount(value: Decimal, unit: str, field: str) -> None:
    most = MAX_UNITS if unit == "units" else MAX_AMOUNT
    if value.is_finite() and value > most:
        raise RuleBroken(N_("Enter an amount of at most %(most)s."), field, most=quantity(most))
    if not value.is_finite() or value <= 0:
        raise RuleBroken(N_("Enter an amount above zero."), field)


def check_count(amount: Decimal, unit: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for more of a counted thing than anybody takes at once: milligrams were meant."""
    if unit in COUNTED and amount > MAX_COUNTED.get(unit, MAX_COUNT):
        message = N_("%(amount)s at once is too many. If a strength is meant, enter mg.")
        raise RuleBroken(message, field, code=NOT_A_COUNT, amount=format_amount(amount, unit))
    if unit in COUNTED and amount % (1 if unit in WHOLE else Decimal("0.25")):
        message = N_("%(amount)s cannot be divided so. Enter a whole number, or mg or mL.")
        if unit not in WHOLE:
            message = N_("%(amount)s cannot be measured. Enter halves or quarters, or mg or mL.")
        raise RuleBroken(message, field, code=NOT_A_COUNT, amount=format_amount(amount, unit))


def check_maximum(dose: Dose, field: str) -> None:
    """Raise `RuleBroken` on `field` for a dose that is given regularly and more often than its maximum allows."""
    if dose.as_needed or dose.max_per_day is None or dose.times_per_day is None:
        return
    if dose.amount * dose.times_per_day > dose.max_per_day:
        raise RuleBroken(N_("The maximum is less than the doses of a day. Correct one of them."), field)


@dataclass(frozen=True, slots=True)
class SentencePart:
    """A part of the sentence of a medicine with its dose. `lead` is the text before it; name and amount are bold.

    `kind` is name, brand, form, amount, route, frequency or duration.
    """

    kind: str
    text: str
    lead: str

    @property
    def is_bold(self) -> bool:
        return self.kind in ("name", "amount")


def build_sentence(medicine_name: str, form_strength: str, dose: Dose, brand: str = "") -> tuple[SentencePart, ...]:
    """**amoxicillin** 500 mg capsule — DOSE **500 mg** — oral — three times a day — 5 days, as parts."""
    parts = [
        SentencePart("name", medicine_name, ""),
        SentencePart("brand", brand.upper(), " "),
        SentencePart("form", keep_units_together(form_strength), " "),
        SentencePart("amount", format_amount(dose.amount, dose.unit), " — DOSE "),
        SentencePart("route", ROUTES[dose.route], " — "),
        SentencePart("frequency", format_frequency(dose), " — "),
        SentencePart("duration", format_duration(dose.days), " — "),
    ]
    return tuple(part for part in parts if part.text)


def format_dose(dose: Dose) -> str:
    """The dose without the medicine: "500 mg — oral — three times a day — 5 days"."""
    return join_parts(build_sentence("", "", dose)).removeprefix(" — DOSE ")


def join_parts(parts: tuple[SentencePart, ...]) -> str:
    """The sentence as one line of plain text."""
    return "".join(part.lead + part.text for part in parts)


def format_frequency(dose: Dose) -> str:
    words = FREQUENCIES[dose.frequency_code][1]
    if dose.as_needed:
        words = " ".join((words, N_("when required"))).strip()
    if dose.max_per_day is not None:
        maximum = format_amount(dose.max_per_day, dose.unit)
        words += ", " + str(Sentence(N_("max %(amount)s in 24 hours"), amount=maximum))
    return words


def format_duration(days: int | None) -> str:
    """ "5 days"; "2 weeks" for whole weeks from 14 days on; "" when open."""
    if days is None:
        return ""
    if days == 1:
        return N_("1 day")
    if days >= 14 and days % 7 == 0:
        return str(Sentence(N_("%(count)s weeks"), count=days // 7))
    return str(Sentence(N_("%(count)s days"), count=days))
