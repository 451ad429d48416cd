"""Words for no allergies and for nobody asked, in English and French; everything else names a substance."""

from __future__ import annotations

import pytest

from hms.core.errors import RuleBroken
from hms.formulary.safety.allergy_check import AllergyEntry
from hms.patients.allergies.rules import NONE_KNOWN, check_is_substance, is_not_asked, parse_substances

DENIED = (
    *(
        "None",
        "none known",
        "NKDA",
        "nil",
        "no",
        "No known drug allergies.",
        "NKA (food, drugs)",
        "denies any allergies",
    ),
    *("Not allergic", "aucune", "Aucune allergie connue", "néant", "RAS", "pas d'allergie", "Sans allergie", "non"),
    *("none, no other allergies", "no known food or drug allergies", "No known drug, food or latex allergies"),
)
NOT_ASKED = (
    *(
        "",
        " ",
        "-",
        "?",
        "unknown",
        "Not recorded",
        "Not shown",
        "not asked",
        "N/A",
        "n.a.",
        "unk",
        "0",
        "none recorded",
    ),
    *(
        "Allergies not recorded",
        "no information",
        "No known food allergies",
        "not known",
        "not known to be allergic to anything",
        "unknown if any allergies",
        "none?",
        "unknown, not asked",
    ),
    *(
        "inconnu",
        "Inconnues",
        "non demandé",
        "Non renseigné",
        "pas d'information",
        "ne sait pas",
        "allergies non connues",
    ),
    *("none, unknown", "à demander"),
)
NAMED = {
    "Penicillin, sulfa; peanuts": ["Penicillin", "sulfa", "peanuts"],
    "NKDA, peanuts": ["peanuts"],
    "NKDA, latex": ["latex"],
    "No known drug allergies, insects": ["insects"],
    "none; food": ["food"],
    "Allergic to unknown drug": ["Allergic to unknown drug"],
    "Patient has known drug allergy": ["Patient has known drug allergy"],
    "penicillin; unknown": ["penicillin"],
    "no known allergies except penicillin": ["no known allergies except penicillin"],
    "PAS": ["PAS"],
    "Latex - unknown": ["Latex - unknown"],
    "unknown antibiotic": ["unknown antibiotic"],
    "Pénicilline": ["Pénicilline"],
    "حساسية البنسلين": ["حساسية البنسلين"],
}


def test_nothing_known_is_never_none_known() -> None:
    for text in DENIED:
        assert parse_substances(text) is NONE_KNOWN, text
    for text in NOT_ASKED:
        assert parse_substances(text) is None, text
        assert not AllergyEntry(text).is_denial, text
    for text, named in NAMED.items():
        assert parse_substances(text) == named, text
        assert not is_not_asked(text), text
    for text in (*DENIED, *NOT_ASKED[2:]):
        with pytest.raises(RuleBroken, match="names no substance"):
            check_is_substance(text, "substance")
    for text in ("Penicillin", "PAS", "Latex", "unknown antibiotic"):
        check_is_substance(text, "substance")
