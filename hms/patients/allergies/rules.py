"""Allergies as text: "Penicillin, sulfa; peanuts", "None", "NKDA", "not asked". Words in English and in French."""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field, fold
from hms.core.text.translation import N_

MAX_SUBSTANCE_LENGTH = 200
MAX_SUBSTANCES = 50
NONE_KNOWN: list[str] = []
"""The answer of a patient who was asked and has no known allergies."""
_BETWEEN = re.compile(r"[,;\n]|\s\+\s|\s/\s")
_WORD = re.compile(r"[^\W_]+")
_DENIES = re.compile(r"no|none|nil|n|nk|nkd?a|nkma|denie[sd]|non|aucune?s?|neant|rien|ras|nie")
_DENIES_ALLERGY = re.compile(r"pas|sans|zero")
"""Words that deny only beside the word "allergy": PAS alone is a medicine."""
_UNKNOWN = re.compile(
    r"not|never|unk|unknown|unsure|uncertain|unclear|undetermined|unspecified|unable|recorded|shown|documented|missing"
    r"|records?|file|noted?|available|obtained|assessed|applicable|done|checked|asked?|pending|info|informations?|data"
    r"|status|na|nd|nr|nsp|tba|tbd|0|inconnue?s?|demandee?s?|demander|renseignee?s?"
    r"|renseignements?|precisee?s?|recueillie?s?|evaluee?s?|documentee?s?|enregistree?s?|notee?s?|indeterminee?s?"
    r"|communiquee?s?|affichee?s?|donnees?|sais|sait|verifier"
)
_FILLER = re.compile(
    r"an?|any|anything|and|or|et|ou|to|of|the|be|is|has|have|known?|yet|others?|reported|on|patient|he|she|history"
    r"|allerg(?:ic|y|en|ens|ies|ie|ique|iques|ene|enes)"
    r"|drugs?|medications?|medicines?|medicaments?|medicamenteu(?:x|ses?)|pas|ne|d|de|du|des|l|la|le|les|en|est|une?|il"
    r"|elle|connue?s?|signalee?s?|declaree?s?|rapportee?s?|antecedents?|autres?"
)
_ONE_KIND = re.compile(r"foods?|environment(?:al)?|latex|insects?|animals?|aliments?|alimentaires?")
_MEDICINE = re.compile(r"drugs?|medications?|medicines?|medicaments?|medicamenteu(?:x|ses?)|nkd?a|nkma")
_DENIES_KNOWLEDGE = re.compile(r"\b(?:not|pas|non) connue?s?\b|\bn a\b")
"""An allergy that is not known is no allergy that is denied; "N/A" denies nothing."""
NO_SUBSTANCE = N_(
    "“%(text)s” names no substance. Enter what the patient reacts to. If the patient was asked and knows of no allergy, "
    "use “No known allergies”; if nobody asked, enter nothing."
)


def parse_substances(text: str, field: str = "known_allergies") -> list[str] | None:
    """The substances named in `text`, each once; `NONE_KNOWN` when it only denies allergies, None when it is empty or says
    that nobody asked or knows.

    `RuleBroken` on `field` when a name is too long or there are too many.
    """
    if is_denial(text):
        return NONE_KNOWN
    if is_not_asked(text):
        return None
    parts = [" ".join(part.split()).strip(" .") for part in _BETWEEN.split(text)]
    named = list({fold(part): part for part in parts if part}.values())
    substances = [part for part in named if not is_denial(part) and not is_not_asked(part)]
    if len(substances) > MAX_SUBSTANCES:
        raise RuleBroken(N_("Enter at most 50 substances."), field)
    return [clean_field(part, field, longest=MAX_SUBSTANCE_LENGTH) for part in substances] or None


def check_is_substance(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for text that denies allergies, or says that nobody asked or knows."""
    if is_denial(text) or is_not_asked(text):
        raise RuleBroken(NO_SUBSTANCE, field, text=text)


def is_denial(text: str) -> bool:
    """Whether the text says that the patient has no known allergies, of any kind: "NKDA", "aucune"."""
    words = _words(text)
    return _denies(words) and not _is_unclear(text, words) and not _names_one_kind(words)


def is_not_asked(text: str) -> bool:
    """Whether the text says that nobody asked or knows, or speaks of one kind only: "unknown", "non demandé", "no known food
    allergies", "?"."""
    words = _words(text)
    if not words:
        return bool(text.strip())
    if _denies(words) and not _is_unclear(text, words):
        return _names_one_kind(words)
    return _is_unclear(text, words) and all(_says_nothing(word) for word in words)


def _words(text: str) -> list[str]:
    plain = " ".join(_WORD.findall(fold(text)))
    return re.sub(r"\bnot allergic\b", "no allergic", plain).split()


def _denies(words: list[str]) -> bool:
    """Whether the words say no, and nothing but that."""
    is_allergy = any(word.startswith("allerg") for word in words)
    says_no = any(_DENIES.fullmatch(word) or (is_allergy and _DENIES_ALLERGY.fullmatch(word)) for word in words)
    return says_no and all(_says_nothing(word) or _ONE_KIND.fullmatch(word) for word in words)


def _is_unclear(text: str, words: list[str]) -> bool:
    return "?" in text or any(map(_UNKNOWN.fullmatch, words)) or bool(_DENIES_KNOWLEDGE.search(" ".join(words)))


def _names_one_kind(words: list[str]) -> bool:
    return any(map(_ONE_KIND.fullmatch, words)) and not any(map(_MEDICINE.fullmatch, words))


def _says_nothing(word: str) -> bool:
    return any(kind.fullmatch(word) for kind in (_DENIES, _DENIES_ALLERGY, _UNKNOWN, _FILLER))
