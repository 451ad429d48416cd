"""Recorded allergies: what they mean, and whether a medicine touches one.

Allergies arrive as a code, as a picked substance or as free text from many hands ("Septrin", "penicilline", "sulphur
drugs"). Text is compared whole word by whole word after folding accents and case, so that "pen" is not found in
"penicillamine"; a long word with one or two wrong letters counts as the name it comes closest to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

from rapidfuzz.distance import DamerauLevenshtein

from hms.core.text.translation import N_, Sentence, joined

from .alerts import SafetyAlert, CheckResult, get_worst_alert
from .knowledge import CLASS_PREFIX, AllergyClass, Knowledge, Medicine, normalize_words

RULE = "allergy"
SEVERE = frozenset({"severe", "life-threatening", "high"})
SEVERE_WORDS = ("anaphyl", "angioedema", "angio oedema", "stevens", "sjs", "epidermal necrolysis", "shock", "collapse")
DENIALS = frozenset({"no", "none", "nil", "n", "nka", "nkda", "nkma", "denies"})
DENIAL_FILLERS = frozenset(
    {"a", "any", "allergic", "allergies", "allergy", "drug", "drugs", "food", "known", "medication", "medications"}
    | {"medicine", "medicines", "of", "reported"}
)


class AllergyRecord(Protocol):
    """A stored allergy, as far as the check needs it."""

    substance: str
    code: str
    class_code: str
    category: str
    reaction: str
    severity: str
    recorded_on: date | None


@dataclass(frozen=True, slots=True)
class AllergyEntry:
    """One recorded allergy or intolerance.

    `text` as it was written; `code` an RxNorm code or an allergy class code, when there is one; `severity` mild,
    moderate, severe or unknown (FHIR criticality "high" counts as severe); `kind` allergy or intolerance; `category`
    medication, food, environment or ""; `year` in which it happened or was recorded.
    """

    text: str
    code: str = ""
    severity: str = ""
    reaction: str = ""
    kind: str = "allergy"
    category: str = ""
    year: int | None = None

    @classmethod
    def on_record(cls, record: AllergyRecord) -> AllergyEntry:
        return cls(
            text=record.substance,
            code=record.class_code or record.code,
            severity=record.severity,
            reaction=record.reaction,
            category=record.category,
            year=record.recorded_on.year if record.recorded_on else None,
        )

    @property
    def is_severe(self) -> bool:
        words = normalize_words(self.reaction)
        return self.severity.lower() in SEVERE or any(word in words for word in SEVERE_WORDS)

    @property
    def is_none(self) -> bool:
        """Whether it only says that there is no allergy ("NKDA")."""
        words = set(normalize_words(self.text).split())
        return not self.code and bool(words & DENIALS) and words <= DENIALS | DENIAL_FILLERS


@lru_cache(maxsize=4096)
def _find_substances(text: str, code: str, knowledge: Knowledge) -> frozenset[str]:
    found = set(knowledge.by_rxnorm.get(code, frozenset()))
    if code in knowledge.class_by_code:
        found.add(CLASS_PREFIX + code)
    words = normalize_words(text)
    named = [name for name in knowledge.names if name in words]
    for name in named:
        found |= knowledge.names[name]
    explained = {word for name in named for word in name.split()}
    for word in words.split():
        if word not in explained:
            found |= _find_by_misspelling(word, knowledge)
    return frozenset(found)


def find_substances(text: str, knowledge: Knowledge, code: str = "") -> frozenset[str]:
    """The substances, and classes with `class:` before the code, that `text` or `code` names; nothing when unknown.

    Also tells the ingredients of a medicine written in free text ("Acetaminophen 325 MG Oral Tablet"). A denial is not
    read: "not allergic to penicillin" names penicillin.
    """
    return _find_substances(text[:500], code, knowledge)


def _find_by_misspelling(word: str, knowledge: Knowledge) -> frozenset[str]:
    if len(word) < 7:
        return frozenset()
    allowed = 1 if len(word) < 10 else 2
    near = [
        (distance, name)
        for name in knowledge.spellings.get(word[0], ())
        if (distance := DamerauLevenshtein.distance(word, name, score_cutoff=allowed)) <= allowed
    ]
    closest = min(near, default=(0, ""))[0]
    return frozenset().union(*(knowledge.names[normalize_words(name)] for distance, name in near if distance == closest))


def check_allergies(medicine: Medicine, allergies: tuple[AllergyEntry, ...] | None, knowledge: Knowledge) -> CheckResult:
    """Whether `medicine` touches a recorded allergy, by substance, by class or by a known cross-reaction.

    A match is a stop (a caution for an intolerance that was not severe). `allergies` is None when nobody has asked the
    patient; then, and when a record names something that is not known, the check could not run in full and says so.
    """
    if allergies is None:
        return CheckResult.not_run(RULE, Sentence(N_("Allergies are not recorded for this patient. Ask the patient first.")))
    recorded = [entry for entry in allergies if not entry.is_none]
    alerts = [alert for entry in recorded if (alert := _alert(medicine, entry, knowledge))]
    return CheckResult.of(RULE, alerts, _describe_unchecked(medicine, recorded, knowledge) if recorded else None)


def _describe_unchecked(medicine: Medicine, recorded: list[AllergyEntry], knowledge: Knowledge) -> Sentence | None:
    """What the check could not look at; None when it looked at everything."""
    if not medicine.ingredients:
        return Sentence(
            N_("%(medicine)s is not in the formulary. Check the allergies yourself."), medicine=medicine.name
        )
    unknown = [entry.text for entry in recorded if _is_unrecognised(entry, knowledge)]
    if unknown:
        message = N_("The recorded allergy “%(text)s” cannot be checked automatically. Check it yourself.")
        return Sentence(message, text="”, “".join(unknown))
    if not medicine.is_in_formulary:
        message = N_("%(medicine)s is not in the formulary. Only %(ingredients)s was checked.")
        return Sentence(message, medicine=medicine.name, ingredients=", ".join(medicine.ingredients))
    return None


def _is_unrecognised(entry: AllergyEntry, knowledge: Knowledge) -> bool:
    return entry.category not in ("food", "environment") and not find_substances(entry.text, knowledge, entry.code)


def _alert(medicine: Medicine, entry: AllergyEntry, knowledge: Knowledge) -> SafetyAlert | None:
    """The worst that this one record says about the medicine."""
    meant = find_substances(entry.text, knowledge, entry.code)
    substances = sorted(name for name in meant if not name.startswith(CLASS_PREFIX))
    found = [
        SafetyAlert("stop", RULE, _same_substance(medicine, entry, name), (name,))
        for name in substances
        if name in medicine.ingredients
    ]
    for code in sorted(_recorded_classes(meant, knowledge)):
        found += _class_alerts(medicine, entry, knowledge.class_by_code[code], meant, knowledge)
    strongest = get_worst_alert(found)
    if strongest and strongest.tier == "stop" and entry.kind == "intolerance" and not entry.is_severe:
        return SafetyAlert("caution", RULE, strongest.message, strongest.substances)
    return strongest


def _recorded_classes(meant: frozenset[str], knowledge: Knowledge) -> set[str]:
    named = {name.removeprefix(CLASS_PREFIX) for name in meant if name.startswith(CLASS_PREFIX)}
    return named.union(*(knowledge.classes_of(name) for name in meant))


def _class_alerts(
    medicine: Medicine, entry: AllergyEntry, family: AllergyClass, meant: frozenset[str], knowledge: Knowledge
) -> list[SafetyAlert]:
    found = []
    touched = tuple(name for name in medicine.ingredients if name in family.members)
    is_named = CLASS_PREFIX + family.code in meant
    if touched and (is_named or family.is_allergy_class):
        tier = "stop" if is_named or entry.is_severe else family.same_class_tier
        found.append(SafetyAlert(tier, RULE, _same_class(medicine, entry, family, touched), touched))
    for cross in knowledge.cross_reactions:
        if cross.recorded == family.code and cross.prescribed in medicine.classes:
            tier = cross.tier_if_severe if entry.is_severe else cross.tier
            message = joined((_recorded(entry), Sentence("%(note)s", note=cross.note)))
            found.append(SafetyAlert(tier, RULE, message, medicine.ingredients))
    return found


def _recorded(entry: AllergyEntry) -> Sentence:
    """ "Allergy recorded: Septrin – rash (2019)."""
    message = (
        N_("Intolerance recorded: %(text)s.") if entry.kind == "intolerance" else N_("Allergy recorded: %(text)s.")
    )
    text = entry.text or entry.code
    if entry.reaction:
        text += f" – {entry.reaction}"
    if entry.year:
        text += f" ({entry.year})"
    return Sentence(message, text=text)


def _same_substance(medicine: Medicine, entry: AllergyEntry, substance: str) -> Sentence:
    if medicine.name == substance:
        return _recorded(entry)
    message = N_("%(medicine)s contains %(substance)s.")
    return joined((_recorded(entry), Sentence(message, medicine=medicine.name, substance=substance)))


def _same_class(medicine: Medicine, entry: AllergyEntry, family: AllergyClass, touched: tuple[str, ...]) -> Sentence:
    message = N_("%(substance)s belongs to the same family: %(family)s.")
    return joined((_recorded(entry), Sentence(message, substance=", ".join(touched), family=family.name)))
