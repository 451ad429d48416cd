"""Words for large families of medicines, of which the lists have no members ("antimalarials")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

_FAMILIES = (
    "anaesthetic analgesic anesthetic antacid anthelmintic antiallergic antiarrhythmic antibacterial antibiotic "
    "anticoagulant anticonvulsant antidepressant antidiabetic antidiarrhoeal antiemetic antiepileptic antifungal "
    "antihistamine antihypertensive antimalarial antimicrobial antiparasitic antiprotozoal antipsychotic antipyretic "
    "antiretroviral antiseptic antispasmodic antitubercular antitussive antivenom antiviral anxiolytic arv "
    "bronchodilator chemotherapy contraceptive contrast cytotoxic decongestant dewormer diuretic hormone hypnotic "
    "immunoglobulin laxative narcotic nitrate painkiller relaxant sedative steroid tranquilliser tranquillizer vaccine "
    "antalgique antibiotique antidouleur antipaludeen antipaludique antituberculeux diuretique vaccin vermifuge"
)


@cache
def _families() -> frozenset[str]:
    return frozenset(_FAMILIES.split())


def names_other_family(words: Sequence[str], explained: Collection[str]) -> bool:
    """Whether one of the `words` is a family that no list explains. A word behind an explained one only says more of it:
    "thiazide diuretics", "penicillin antibiotics"."""
    return any(
        word.removesuffix("s") in _families() and word not in explained and not _follows(words, place, explained)
        for place, word in enumerate(words)
    )


def _follows(words: Sequence[str], place: int, explained: Collection[str]) -> bool:
    return place > 0 and words[place - 1] in explained
