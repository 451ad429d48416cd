"""A dose, the sentence that says it, and how much to hand out for it.

The sentence follows the NHS Common User Interface guidance for displaying medicines and the ISMP list of abbreviations
that must not be printed: words instead of codes, no trailing zero, units in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from hms.core.errors import RuleBroken
from hms.core.words import _
from hms.formulary.strengths import (
    COUNTED,
    MEASURED,
    Amount,
    amount_text,
    kept_together,
    parse_amount,
    parse_strength,
)

LARGEST_AMOUNT = Decimal(1_000_000)
LONGEST_DAYS = 366
ROUNDING = Decimal("0.001")
ONCE = "once"
AS_REQUIRED = ""

# code: (times in 24 hours, words)
FREQUENCIES: dict[str, tuple[Decimal | None, str]] = {
    ONCE: (None, _("one dose now")),
    "once_daily": (Decimal(1), _("once a day")),
    "twice_daily": (Decimal(2), _("twice a day")),
    "three_times_daily": (Decimal(3), _("three times a day")),
    "four_times_daily": (Decimal(4), _("four times a day")),
    "five_times_daily": (Decimal(5), _("five times a day")),
    "in_the_morning": (Decimal(1), _("in the morning")),
    "at_night": (Decimal(1), _("at night")),
    "every_4_hours": (Decimal(6), _("every 4 hours")),
    "every_6_hours": (Decimal(4), _("every 6 hours")),
    "every_8_hours": (Decimal(3), _("every 8 hours")),
    "every_12_hours": (Decimal(2), _("every 12 hours")),
    "alternate_days": (Decimal("0.5"), _("every second day")),
    "weekly": (Decimal(1) / 7, _("once a week")),
    AS_REQUIRED: (None, ""),
}

ROUTES: dict[str, str] = {
    "oral": _("oral"),
    "sublingual": _("sublingual"),
    "buccal": _("buccal"),
    "intravenous": _("intravenous"),
    "intramuscular": _("intramuscular"),
    "subcutaneous": _("subcutaneous"),
    "intradermal": _("intradermal"),
    "rectal": _("rectal"),
    "vaginal": _("vaginal"),
    "topical": _("on the skin"),
    "inhaled": _("inhaled"),
    "nebulised": _("by nebuliser"),
    "eye": _("into the eye"),
    "ear": _("into the ear"),
    "nasal": _("into the nose"),
    "local": _("local injection"),
}

OPENED_PER_DOSE = frozenset({"ampoule", "vial", "syringe", "bag", "bottle", "sachet", "suppository", "pessary"})


@dataclass(frozen=True, slots=True)
class Dose:
    """What a patient takes. Raises `RuleBroken` when the parts make no dose, blaming the part.

    `amount` and `max_per_day` (the most in 24 hours) are in `unit`; `route` and `frequency_code` are keys of `ROUTES`
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
        _check_amount(self.amount, "amount")
        if self.unit not in MEASURED and self.unit not in COUNTED:
            raise RuleBroken(_("Choose a unit such as mg, g, micrograms, units, mL or tablets."), "unit")
        if self.route not in ROUTES:
            raise RuleBroken(_("Choose the route, for example oral."), "route")
        self._check_frequency()
        if self.max_per_day is not None:
            _check_amount(self.max_per_day, "max_per_day")
            if self.max_per_day < self.amount:
                raise RuleBroken(_("The most in 24 hours is less than one dose. Correct one of them."), "max_per_day")
        if self.days is not None and not 1 <= self.days <= LONGEST_DAYS:
            raise RuleBroken(_("The duration must be between 1 and 366 days."), "days")

    def _check_frequency(self) -> None:
        if self.frequency_code not in FREQUENCIES or (self.frequency_code == AS_REQUIRED and not self.as_needed):
            raise RuleBroken(_("Say how often, for example three times a day."), "frequency")
        times = FREQUENCIES[self.frequency_code][0]
        if (times is None) != (self.times_per_day is None) or abs((times or 0) - (self.times_per_day or 0)) > ROUNDING:
            raise RuleBroken(_("The times in a day do not fit the frequency. Choose the frequency again."), "frequency")

    @classmethod
    def of(
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
        """A dose whose times in a day follow from its frequency."""
        times = FREQUENCIES.get(frequency_code, (None, ""))[0]
        return cls(amount, unit, route, times, frequency_code, as_needed, max_per_day, days)


def _check_amount(value: Decimal, field: str) -> None:
    if not value.is_finite() or not 0 < value <= LARGEST_AMOUNT:
        raise RuleBroken(_("Write an amount above zero."), field)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a medicine's sentence. `lead` is the text that stands before it; name and amount are shown bold.

    `kind` is name, brand, form, amount, route, frequency or duration.
    """

    kind: str
    text: str
    lead: str

    @property
    def is_bold(self) -> bool:
        return self.kind in ("name", "amount")


def sentence(medicine_name: str, form_strength: str, dose: Dose, brand: str = "") -> tuple[Part, ...]:
    """**amoxicillin** 500 mg capsule — DOSE **500 mg** — oral — three times a day — 5 days, piece by piece."""
    told = [
        Part("name", medicine_name, ""),
        Part("brand", brand.upper(), " "),
        Part("form", kept_together(form_strength), " "),
        Part("amount", amount_text(dose.amount, dose.unit), " — DOSE "),
        Part("route", ROUTES[dose.route], " — "),
        Part("frequency", frequency_words(dose), " — "),
        Part("duration", duration_words(dose.days), " — "),
    ]
    return tuple(part for part in told if part.text)


def dose_words(dose: Dose) -> str:
    """The dose without the medicine: "500 mg — oral — three times a day — 5 days"."""
    return text_of(sentence("", "", dose)).removeprefix(" — DOSE ")


def text_of(parts: tuple[Part, ...]) -> str:
    """The sentence as one line of plain text."""
    return "".join(part.lead + part.text for part in parts)


def frequency_words(dose: Dose) -> str:
    words = FREQUENCIES[dose.frequency_code][1]
    if dose.as_needed:
        words = f"{words} {_('when required')}".strip()
    if dose.max_per_day is not None:
        words += ", " + _("max %(amount)s in 24 hours") % {"amount": amount_text(dose.max_per_day, dose.unit)}
    return words


def duration_words(days: int | None) -> str:
    """ "5 days", "2 weeks" from fourteen days on when they are whole weeks, nothing when open."""
    if days is None:
        return ""
    if days == 1:
        return _("1 day")
    if days >= 14 and days % 7 == 0:
        return _("%(count)s weeks") % {"count": days // 7}
    return _("%(count)s days") % {"count": days}


def doses_in_course(dose: Dose) -> Decimal | None:
    """How many times the dose is taken in all; None when the course is open."""
    if dose.frequency_code == ONCE:
        return Decimal(1)
    if dose.days is None:
        return None
    by_maximum = None if dose.max_per_day is None else (dose.max_per_day / dose.amount).to_integral_value(ROUND_FLOOR)
    by_frequency = dose.times_per_day
    if by_frequency is None and by_maximum is None:
        return None
    daily = min(limit for limit in (by_frequency, by_maximum) if limit is not None)
    return _up(daily * dose.days)


def supply(dose: Dose, unit_strength: str, unit: str = "tablet", unit_holds: str = "") -> int | None:
    """How many whole `unit`s to hand out for the course; None when that cannot be computed.

    An ampoule, vial or sachet is opened for one dose and the rest thrown away, unless `unit_holds` says that it serves
    many. A capsule cannot be divided, so a dose that is no whole number of capsules is None. Where `unit` is mL the
    answer is in mL.
    """
    doses = doses_in_course(dose)
    if doses is None:
        return None
    holds = parse_amount(unit_holds)
    if holds is not None:
        per_dose = _in_unit(dose, unit_strength, holds.unit)
        return None if per_dose is None else int(_up(per_dose * doses / holds.value))
    per_dose = _in_unit(dose, unit_strength, unit)
    if per_dose is None or (unit == "capsule" and per_dose % 1):
        return None
    if unit in OPENED_PER_DOSE:
        per_dose = _up(per_dose)
    return int(_up(per_dose * doses))


def _in_unit(dose: Dose, unit_strength: str, wanted: str) -> Decimal | None:
    """One dose counted in `wanted`: a dispensing unit (tablet, vial …), mL or puffs."""
    if dose.unit == wanted:
        return dose.amount
    strength = parse_strength(unit_strength)
    if strength is None:
        return None
    asked = Amount(dose.amount, dose.unit)
    share = _share(asked, strength.contents)
    if share is None and strength.per is not None and strength.per.unit == dose.unit:
        share = dose.amount / strength.per.value
    if share is None:
        return None
    if strength.per is not None and strength.per.unit == wanted:
        return share * strength.per.value
    return share if wanted in COUNTED else None


def _share(asked: Amount, contents: tuple[Amount, ...]) -> Decimal | None:
    """How often `contents` fit into `asked`; a mixture's dose in mg can only mean the sum of its parts."""
    if len(contents) == 1 and contents[0].unit == asked.unit:
        return asked.value / contents[0].value
    weights = [content.milligrams for content in contents]
    if asked.milligrams is None or None in weights:
        return None
    share = asked.milligrams / sum(weights, Decimal(0))
    return share if len(contents) == 1 or share % 1 == 0 else None


def _up(value: Decimal) -> Decimal:
    # 1/7 is not exact in decimals: four weekly doses in 28 days must not become five.
    return value.quantize(ROUNDING).to_integral_value(ROUND_CEILING)


def daily_milligrams(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...]
) -> dict[str, Decimal] | None:
    """The most of each ingredient on a day of treatment, in mg; None when it cannot be computed."""
    times = dose.times_per_day
    if dose.max_per_day is not None:
        limit = dose.max_per_day / dose.amount
        times = limit if times is None else min(times, limit)
    elif dose.frequency_code == ONCE:
        times = Decimal(1)
    if times is None:
        return None
    # A weekly or alternate-day medicine is judged by the day on which it is taken.
    return _milligrams(dose, unit_strength, unit, ingredients, max(times, Decimal(1)))


def _milligrams(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...], times: Decimal
) -> dict[str, Decimal] | None:
    asked = Amount(dose.amount, dose.unit)
    if len(ingredients) == 1 and asked.milligrams is not None:
        return {ingredients[0]: asked.milligrams * times}
    strength = parse_strength(unit_strength)
    if strength is None or len(strength.contents) != len(ingredients):
        return None
    share = _share(asked, strength.contents)
    if share is None and dose.unit == (strength.per.unit if strength.per else unit):
        share = dose.amount / (strength.per.value if strength.per else Decimal(1))
    weights = [content.milligrams for content in strength.contents]
    if share is None or None in weights:
        return None
    return {name: weight * share * times for name, weight in zip(ingredients, weights, strict=True)}
