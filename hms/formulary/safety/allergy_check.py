"""Allergy check: which substances recorded allergies name, and whether a medicine contains or resembles one.

Allergies are recorded as a code, a substance or free text ("Septrin", "penicilline", "sulphur drugs"). Text is compared
by whole words after folding accents and case, so that "pen" does not match "penicillamine"; a long word with one or two
wrong letters counts as the closest known name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Protocol

from rapidfuzz.distance import DamerauLevenshtein

from hms.core.text.translation import N_, Sentence, joined
from hms.patients.allergies import rules

from .alerts import NO_RULES, CheckResult, SafetyAlert, get_worst_alert
from .class_words import names_other_family
from .knowledge import CLASS_PREFIX, AllergyClass, Knowledge, normalize_words
from .medicine_facts import Medicine
from .same_words import share_words

RULE = "allergy"
SEVERE = frozenset({"severe", "life-threatening", "high"})
SEVERE_WORDS = ("anaphyl", "angioedema", "angio oedema", "stevens", "sjs", "epidermal necrolysis", "shock", "collapse")
_LISTED = re.compile(r"[,;:/+&()\n]")
"""Between two things of a list."""


class AllergyRecord(Protocol):
    """The columns of a stored allergy that the check needs."""

    substance: str
    code: str
    code_system: str
    class_code: str
    category: str
    reaction: str
    severity: str
    recorded_on: date | None


@dataclass(frozen=True, slots=True)
class AllergyEntry:
    """One recorded allergy or intolerance.

    `text` is as typed; `code` is an RxNorm or allergy class code, or ""; `severity` is mild, moderate, severe or unknown
    (FHIR criticality "high" counts as severe); `kind` is allergy or intolerance; `category` is medication, food,
    environment or ""; `year` is the year of the reaction or of recording.
    """

    text: str
    code: str = ""
    severity: str = ""
    reaction: str = ""
    kind: str = "allergy"
    category: str = ""
    year: int | None = None

    @classmethod
    def from_record(cls, record: AllergyRecord) -> AllergyEntry:
        """The allergy as the checks of prescribing and dispensing read it; codes of other systems than RxNorm do not count."""
        return cls(
            text=record.substance,
            code=record.class_code or (record.code if "rxnorm" in record.code_system else ""),
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
    def is_denial(self) -> bool:
        """Whether the text says that there is no allergy ("NKDA")."""
        return not self.code and rules.is_denial(self.text)


@lru_cache(maxsize=4096)
def _find_substances(text: str, code: str, knowledge: Knowledge) -> frozenset[str]:
    substances = set(knowledge.by_rxnorm.get(code, frozenset()))
    if code in knowledge.class_by_code:
        substances.add(CLASS_PREFIX + code)
    words = normalize_words(text)
    named = [name for name in knowledge.names if name in words]
    for name in named:
        substances |= knowledge.names[name]
    explained = {word for name in named for word in name.split()}
    for word in words.split():
        if word not in explained:
            substances |= _find_by_misspelling(word, knowledge)
    return frozenset(substances)


def _names_other_family(entry: AllergyEntry, knowledge: Knowledge) -> bool:
    """Whether the text also names a family of which the lists have no members: "amodiaquine and other antimalarials"."""
    if entry.category in ("food", "environment") or entry.code in knowledge.class_by_code:
        return False
    words = normalize_words(entry.text)
    explained = {word for name in knowledge.names if name in words for word in name.split()}
    return any(names_other_family(normalize_words(part).split(), explained) for part in _LISTED.split(entry.text))


def find_substances(text: str, knowledge: Knowledge, code: str = "") -> frozenset[str]:
    """The substances and classes (`class:` and their code) that `text` or `code` names; empty when unknown.

    It also finds the ingredients of a medicine in free text ("Acetaminophen 325 MG Oral Tablet"). Denials are not
    understood: "not allergic to penicillin" names penicillin.
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
    return frozenset().union(
        *(knowledge.names[normalize_words(name)] for distance, name in near if distance == closest)
    )


def check_allergies(
    medicine: Medicine, allergies: tuple[AllergyEntry, ...] | None, knowledge: Knowledge
) -> CheckResult:
    """Check `medicine` against the recorded allergies by substance, by class and by known cross-reactions.

    A match is a stop (a caution for an intolerance that was not severe). `allergies` is None when the patient was not
    asked; then, and when a recorded text is not recognised, the result says what could not be checked.
    """
    if not knowledge.is_readable:
        return CheckResult.not_run(RULE, NO_RULES)
    if allergies is None:
        return CheckResult.not_run(
            RULE,
            Sentence(N_("Allergies are not recorded for this patient. Ask the patient first.")),
            needs_reason=False,
        )
    recorded = [entry for entry in allergies if not entry.is_denial]
    alerts = [alert for entry in recorded if (alert := _alert(medicine, entry, knowledge))]
    missing = _describe_unchecked(medicine, recorded, knowledge) if recorded else None
    return CheckResult.from_alerts(RULE, alerts, missing, looked_up=_describe_compared(medicine, recorded, knowledge))


def _describe_compared(medicine: Medicine, recorded: list[AllergyEntry], knowledge: Knowledge) -> Sentence:
    if not recorded:
        return Sentence(N_("No allergy is recorded."))
    message = N_(
        "%(medicine)s was compared with the recorded allergies (%(allergies)s), by name and by group (version "
        "%(version)s)."
    )
    if len(medicine.ingredients) > 1:
        message = N_(
            "%(medicine)s were compared with the recorded allergies (%(allergies)s), by name and by group "
            "(version %(version)s)."
        )
    names = ", ".join(entry.text or entry.code for entry in recorded)
    return Sentence(
        message,
        medicine=", ".join(medicine.ingredients) or medicine.name,
        allergies=names,
        version=knowledge.version,
    )


def _describe_unchecked(medicine: Medicine, recorded: list[AllergyEntry], knowledge: Knowledge) -> Sentence | None:
    """The message on what could not be checked; None when everything was."""
    if not medicine.ingredients:
        return Sentence(
            N_("%(medicine)s is not in the formulary. Check the allergies yourself."), medicine=medicine.name
        )
    unknown = [
        entry.text
        for entry in recorded
        if (_is_unrecognised(entry, knowledge) and not _has_same_words(medicine, entry, knowledge))
        or _names_other_family(entry, knowledge)
    ]
    if unknown:
        message = N_("The recorded allergy “%(text)s” cannot be checked automatically. Check it yourself.")
        if len(unknown) > 1:
            message = N_("The recorded allergies “%(text)s” cannot be checked automatically. Check them yourself.")
        return Sentence(message, text="”, “".join(unknown))
    if not medicine.is_in_formulary:
        message = N_("%(medicine)s is not in the formulary. Only %(ingredients)s was checked.")
        if len(medicine.ingredients) > 1:
            message = N_("%(medicine)s is not in the formulary. Only %(ingredients)s were checked.")
        return Sentence(message, medicine=medicine.name, ingredients=", ".join(medicine.ingredients))
    return None


def _has_same_words(medicine: Medicine, entry: AllergyEntry, knowledge: Knowledge) -> bool:
    is_other_kind = entry.category in ("food", "environment")
    misspelt = _is_unrecognised(entry, knowledge)
    return share_words(entry.text, medicine.names, whole=is_other_kind, misspelt=misspelt)


def _same_words_message(medicine: Medicine, entry: AllergyEntry) -> Sentence:
    message = N_("%(medicine)s has the same name.")
    return joined((_recorded(entry), Sentence(message, medicine=medicine.name)))


def _is_unrecognised(entry: AllergyEntry, knowledge: Knowledge) -> bool:
    return entry.category not in ("food", "environment") and not find_substances(entry.text, knowledge, entry.code)


def _alert(medicine: Medicine, entry: AllergyEntry, knowledge: Knowledge) -> SafetyAlert | None:
    """The most serious alert of the medicine against this one allergy."""
    names = find_substances(entry.text, knowledge, entry.code)
    substances = sorted(name for name in names if not name.startswith(CLASS_PREFIX))
    alerts = [
        SafetyAlert("stop", RULE, _same_substance(medicine, entry, name), (name,))
        for name in substances
        if name in medicine.ingredients
    ]
    if not alerts and _has_same_words(medicine, entry, knowledge):
        alerts.append(SafetyAlert("stop", RULE, _same_words_message(medicine, entry), medicine.ingredients))
    for code in sorted(_recorded_classes(names, knowledge)):
        alerts += _class_alerts(medicine, entry, knowledge.class_by_code[code], names, knowledge)
    strongest = get_worst_alert(alerts)
    if strongest and strongest.tier == "stop" and entry.kind == "intolerance" and not entry.is_severe:
        return replace(strongest, tier="caution")
    return strongest


def _recorded_classes(names: frozenset[str], knowledge: Knowledge) -> set[str]:
    codes = {name.removeprefix(CLASS_PREFIX) for name in names if name.startswith(CLASS_PREFIX)}
    return codes.union(*(knowledge.classes_of(name) for name in names))


def _class_alerts(
    medicine: Medicine, entry: AllergyEntry, allergy_class: AllergyClass, names: frozenset[str], knowledge: Knowledge
) -> list[SafetyAlert]:
    alerts = []
    members = tuple(name for name in medicine.ingredients if name in allergy_class.members)
    if not members and not medicine.ingredients and allergy_class.code in medicine.classes:
        members = (medicine.name,)  # the order names only the family: "penicillin"
    is_named = CLASS_PREFIX + allergy_class.code in names
    if members and (is_named or allergy_class.is_allergy_class):
        tier = "stop" if is_named or entry.is_severe else allergy_class.same_class_tier
        message = _same_class(medicine, entry, allergy_class, members)
        alerts.append(SafetyAlert(tier, RULE, message, members, knowledge.key_of(allergy_class)))
    for cross in knowledge.cross_reactions:
        if cross.recorded == allergy_class.code and cross.prescribed in knowledge.classes_for(medicine):
            tier = cross.tier_if_severe if entry.is_severe else cross.tier
            message = joined((_recorded(entry), Sentence("%(note)s", note=cross.note)))
            alerts.append(SafetyAlert(tier, RULE, message, medicine.ingredients, knowledge.key_of(cross)))
    return alerts


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


def _same_class(
    medicine: Medicine, entry: AllergyEntry, allergy_class: AllergyClass, members: tuple[str, ...]
) -> Sentence:
    message = N_("%(substance)s is from the same group: %(family)s.")
    if len(members) > 1:
        message = N_("%(substance)s are from the same group: %(family)s.")
    return joined((_recorded(entry), Sentence(message, substance=", ".join(members), family=allergy_class.name)))
