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
    r"an?|any|anything|and|or|et|ou|if|whether|to|of|the|be|is|has|have|known?|yet|others?|reported|on|patient|he|she|history"
    r"|allerg(?:ic|y|en|ens|ies|ie|ique|iques|ene|enes)"
    r"|drugs?|medications?|medicines?|medicaments?|medicamenteu(?:x|ses?)|pas|ne|d|de|du|des|l|la|le|les|en|est|une?|il"
    r"|elle|connue?s?|signalee?s?|declaree?s?|rapportee?s?|antecedents?|autres?"
)
_ONE_KIND = re.compile(r"foods?|environment(?:al)?|latex|insects?|animals?|aliments?|alimentaires?")
_MEDICINE = re.compile(r"drugs?|medications?|medicines?|medicaments?|medicamenteu(?:x|ses?)|nkd?a|nkma")
_DENIES_KNOWLEDGE = re.compile(r"\b(?:not|pas|non) connue?s?\b|\bn a\b")
"""An allergy that is not known is no allergy that is denied; "N/A" denies nothing."""
_AFFIRMS = re.compile(
    r"\ballergic to\b|\ballergique (?:a|au|aux)\b|\b(?:has|known) (?:an? |known |\w+ )?allerg(?:y|ies)\b"
)
_DOUBTS = re.compile(r"no|not|never|if|whether|any|non|pas|si|aucune?s?")
_KIND = r"(?:drugs?|foods?|latex|environment(?:al)?|insects?|animals?|medicines?|medications?)"
_BRACKETS = re.compile(r"\([^()]*\)")
_KINDS = re.compile(
    rf"\bno(?: known)? {_KIND}(?:\s*,\s*(?:(?:or|and) )?{_KIND})+(?: (?:or|and) {_KIND})? allerg", re.IGNORECASE
)
NO_SUBSTANCE = N_(
    "“%(text)s” names no substance. Enter what the patient reacts to. If the patient was asked and knows of no allergy, "
    "use “No known allergies”; if nobody asked, enter nothing."
)


def parse_substances(text: str, field: str = "known_allergies") -> list[str] | None:
    """The substances named in `text`, each once; `NONE_KNOWN` when it only denies allergies, None when it is empty or says
    that nobody asked or knows.

    `RuleBroken` on `field` when a name is too long or there are too many.
    """
    parts = _parts(text)
    substances = list({fold(part): part for part in parts if _meaning(part) is _SUBSTANCE}.values())
    if len(substances) > MAX_SUBSTANCES:
        raise RuleBroken(N_("Enter at most 50 substances."), field)
    if substances:
        return [clean_field(part, field, longest=MAX_SUBSTANCE_LENGTH) for part in substances]
    return NONE_KNOWN if is_denial(text) else None


def check_is_substance(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for text that denies allergies, or says that nobody asked or knows."""
    if is_denial(text) or is_not_asked(text):
        raise RuleBroken(NO_SUBSTANCE, field, text=text)


def is_denial(text: str) -> bool:
    """Whether the text says that the patient has no known allergies, of any kind, and nothing else: "NKDA", "aucune"."""
    return {_meaning(part) for part in _parts(text)} == {_DENIED}


def is_not_asked(text: str) -> bool:
    """Whether the text names nothing, and does not deny all: "unknown", "non demandé", "no known food allergies", "?"."""
    meanings = {_meaning(part) for part in _parts(text)}
    return bool(text.strip()) and _SUBSTANCE not in meanings and meanings != {_DENIED}


_SUBSTANCE, _DENIED, _NOT_ASKED = "substance", "denied", "not_asked"


def _parts(text: str) -> list[str]:
    """The parts of a list. Kinds in brackets or before one word "allergies" stay together: "no known drug, food allergies"."""
    together = _BRACKETS.sub(lambda match: match[0].replace(",", " "), text)
    together = _KINDS.sub(lambda match: match[0].replace(",", " "), together)
    parts = (" ".join(part.split()).strip(" .") for part in _BETWEEN.split(together))
    return [part for part in parts if part]


def _meaning(part: str) -> str:
    """What one part of a list says: it denies allergies, says that nobody asked or knows, or names a substance."""
    words = _words(part)
    says_no, is_unclear = _denies(words), _is_unclear(part, words)
    if not words or (is_unclear and all(map(_says_nothing, words)) and not _affirms(words)):
        return _NOT_ASKED
    if says_no and not is_unclear:
        return _NOT_ASKED if _names_one_kind(words) else _DENIED
    return _SUBSTANCE


def _words(text: str) -> list[str]:
    plain = " ".join(_WORD.findall(fold(text)))
    return re.sub(r"\bnot allergic\b", "no allergic", plain).split()


def _denies(words: list[str]) -> bool:
    """Whether the words say no, and nothing but that."""
    is_allergy = any(word.startswith("allerg") for word in words)
    says_no = any(_DENIES.fullmatch(word) or (is_allergy and _DENIES_ALLERGY.fullmatch(word)) for word in words)
    return says_no and all(_says_nothing(word) or _ONE_KIND.fullmatch(word) for word in words)


def _affirms(words: list[str]) -> bool:
    """Whether there is an allergy whose substance nobody knows: "allergic to unknown drug". It stays for a person to ask."""
    return bool(_AFFIRMS.search(" ".join(words))) and not any(map(_DOUBTS.fullmatch, words))


def _is_unclear(text: str, words: list[str]) -> bool:
    return "?" in text or any(map(_UNKNOWN.fullmatch, words)) or bool(_DENIES_KNOWLEDGE.search(" ".join(words)))


def _names_one_kind(words: list[str]) -> bool:
    return any(map(_ONE_KIND.fullmatch, words)) and not any(map(_MEDICINE.fullmatch, words))


def _says_nothing(word: str) -> bool:
    return any(kind.fullmatch(word) for kind in (_DENIES, _DENIES_ALLERGY, _UNKNOWN, _FILLER))
