"""Words for large families of medicines, of which the lists have no members ("antimalarials")."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_FAMILIES = frozenset(
    ["anaesthetic", "analgesic", "anesthetic", "antacid", "anthelmintic", "antiallergic", "antiarrhythmic", "antibacterial", "antibiotic", "anticoagulant", "anticonvulsant", "antidepressant", "antidiabetic", "antidiarrhoeal", "antiemetic", "antiepileptic", "antifungal", "antihistamine", "antihypertensive", "antimalarial", "antimicrobial", "antiparasitic", "antiprotozoal", "antipsychotic", "antipyretic", "antiretroviral", "antiseptic", "antispasmodic", "antitubercular", "antitussive", "antivenom", "antiviral", "anxiolytic", "arv", "bronchodilator", "chemotherapy", "contraceptive", "contrast", "cytotoxic", "decongestant", "dewormer", "diuretic", "hormone", "hypnotic", "immunoglobulin", "laxative", "narcotic", "nitrate", "painkiller", "relaxant", "sedative", "steroid", "tranquilliser", "tranquillizer", "vaccine", "antalgique", "antibiotique", "antidouleur", "antipaludeen", "antipaludique", "antituberculeux", "diuretique", "vaccin", "vermifuge"]
)


def names_other_family(words: Sequence[str], explained: Collection[str]) -> bool:
    """Whether one of the `words` is a family that no list explains. A word behind an explained one only says more of it:
    "thiazide diuretics", "penicillin antibiotics"."""
    return any(
        word.removesuffix("s") in _FAMILIES and word not in explained and (place == 0 or words[place - 1] not in explained)
        for place, word in enumerate(words)
    )
