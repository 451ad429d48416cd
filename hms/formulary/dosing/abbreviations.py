"""Abbreviations and phrases for frequencies, routes and units, and error-prone ones that are refused with advice."""

from __future__ import annotations

from hms.core.text.translation import N_

from .doses import AS_REQUIRED, ONCE
from .strengths import COUNTED

FREQUENCY_PHRASES = {
    "once_daily": ("x1", "od", "once a day", "once daily", "daily", "every day", "1 x daily", "q24h", "24 hourly"),
    "twice_daily": ("x2", "bd", "bid", "bds", "twice a day", "twice daily", "2 times a day", "2 x daily", "2x daily"),
    "three_times_daily": (
        "x3", "tds", "tid", "three times a day", "three times daily", "3 times a day", "3 times daily",
        "3 x daily", "3x daily",
    ),
    "four_times_daily": (
        "x4", "qds", "qid", "four times a day", "four times daily", "4 times a day", "4 times daily",
        "4 x daily", "4x daily",
    ),
    "five_times_daily": ("x5", "five times a day", "five times daily", "5 times a day", "5 times daily", "5x daily"),
    "six_times_daily": ("six times a day", "six times daily"),
    "eight_times_daily": ("eight times a day", "eight times daily"),
    "in_the_morning": ("mane", "in the morning", "every morning", "each morning", "om", "le matin", "matin"),
    "at_night": ("nocte", "at night", "every night", "each night", "at bedtime", "le soir", "au coucher"),
    "every_hour": ("every hour",),
    "every_2_hours": ("every 2 hours",),
    "every_3_hours": ("every 3 hours",),
    "every_4_hours": ("q4h", "4 hourly", "4hourly", "4hrly", "every 4 hours"),
    "every_6_hours": ("q6h", "6 hourly", "6hourly", "6hrly", "every 6 hours"),
    "every_8_hours": ("q8h", "8 hourly", "8hourly", "8hrly", "every 8 hours"),
    "every_12_hours": ("q12h", "12 hourly", "12hourly", "12hrly", "every 12 hours"),
    "every_4_to_6_hours": ("q4to6h",),
    "every_6_to_8_hours": ("q6to8h",),
    "every_8_to_12_hours": ("q8to12h",),
    "alternate_days": (
        "alternate days", "on alternate days", "every alternate day", "alt days", "every second day", "every other day",
        "un jour sur deux",
    ),
    "every_third_day": ("every third day",),
    "weekly": (
        "weekly", "once a week", "once weekly", "every week", "once in a week", "once every week", "once per week",
        "une fois par semaine", "1 x par semaine",
    ),
    ONCE: ("stat", "stat dose", "one dose now", "single dose", "one dose", "once only", "now", "dose unique"),
    AS_REQUIRED: (
        "prn", "sos", "si besoin", "au besoin",
        "when required", "as required", "when needed", "as needed", "if needed", "if required",
    ),
}  # fmt: skip
ROUTE_PHRASES = {
    "oral": ("po", "oral", "orally", "by mouth", "per os", "voie orale"),
    "sublingual": ("sl", "sublingual", "under the tongue"),
    "buccal": ("buccal",),
    "intravenous": ("iv", "intravenous", "intravenously", "into a vein"),
    "intramuscular": ("im", "intramuscular", "intramuscularly", "into a muscle"),
    "subcutaneous": ("sc", "subcut", "s/c", "subcutaneous", "subcutaneously", "under the skin"),
    "intradermal": ("intradermal",),
    "rectal": ("pr", "rectal", "rectally"),
    "vaginal": ("pv", "vaginal", "vaginally"),
    "topical": ("top", "topical", "topically", "on the skin"),
    "inhaled": ("inh", "inhaled", "by inhaler"),
    "nebulised": ("neb", "nebs", "nebulised", "nebulized", "by nebuliser"),
    "eye": ("eye", "eyes", "into the eye", "into the eyes", "both eyes", "each eye", "in each eye", "in both eyes"),
    "ear": ("ear", "ears", "into the ear", "into the ears", "both ears", "each ear", "in each ear", "in both ears"),
    "nasal": ("nasal", "nose", "into the nose", "each nostril", "in each nostril"),
}
UNIT_PHRASES = {
    "mg": ("mg", "mgs", "milligram", "milligrams"),
    "g": ("g", "gm", "gms", "gram", "grams"),
    "micrograms": ("micrograms", "microgram", "mcg", "ug", "µg", "μg"),
    "units": ("units", "unit", "iu", "ui"),
    "mL": ("ml", "mls", "millilitre", "millilitres", "cc"),
    **{singular: (singular, plural) for singular, plural in COUNTED.items()},
    "tablet": ("tablet", "tablets", "tab", "tabs", "comprime", "comprimes", "comp", "cp", "cpr"),
    "capsule": ("capsule", "capsules", "cap", "caps", "gelule", "gelules"),
    "drop": ("drop", "drops", "gtt", "goutte", "gouttes"),
    "suppository": ("suppository", "suppositories", "supp", "suppo"),
    "pessary": ("pessary", "pessaries", "pess"),
    "ampoule": ("ampoule", "ampoules", "amp", "amps"),
}
LENGTHS = r"(?:days?|d|weeks?|wks?|months?|jours?|j|semaines?|sem|mois)(?![a-z0-9])"
"""The units of the length of a course, as a regular expression: "5 days", "5d", "5 jours"."""
_UNDER_INSTRUCTIONS = N_("Write “%(word)s” under Instructions. Here stands only how much, how often and how long.")
_ONE_STEP = N_("Enter one line for each step of the course.")
ADVICE = {
    **dict.fromkeys(
        ("pc", "ac", "after", "before", "food", "meal", "meals", "left", "right", "over", "slow", "slowly", "until"),
        _UNDER_INSTRUCTIONS,
    ),
    **dict.fromkeys(("then", "repeat"), _ONE_STEP),
}
"""What to do about a word that has no place in a dose."""
ERROR_PRONE = {
    "once": N_("“once” can mean a single dose or once a day: write “stat”, “od” or how often."),
    "qd": N_("“qd” is easily misread: write “od” or “once a day”."),
    "qod": N_("“qod” is easily misread: write “alternate days”."),
    "u": N_("“u” is easily misread as a zero: write “units”, for example 10 units bd."),
    "hs": N_("“hs” is easily misread: write “nocte” or “at night”."),
    "w": N_("Write weeks as 2/52 or “2 weeks”."),
    "m": N_("Write months as 1/12 or “1 month”."),
}
