"""Findings of prescriptions that still need a reason, each once with the medicines that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hms.core.text.translation import Sentence
from hms.formulary.safety.reasons import Question


@dataclass
class OpenQuestion:
    """A finding without a reason. `kind` is stop, serious or not_checked."""

    key: str
    kind: str
    message: Sentence | str
    medicines: list[str]

    @property
    def unnamed(self) -> list[str]:
        """The medicines that the words of the finding do not name."""
        return [name for name in self.medicines if name.casefold() not in str(self.message).casefold()]


def collect_questions(found: Iterable[tuple[str, Iterable[Question]]]) -> list[OpenQuestion]:
    """The open questions of lines, given as the name of each medicine and its questions."""
    by_key: dict[str, OpenQuestion] = {}
    for medicine, questions in found:
        for question in questions:
            entry = by_key.setdefault(question.key, OpenQuestion(question.key, question.kind, question.message, []))
            if medicine not in entry.medicines:
                entry.medicines.append(medicine)
    return list(by_key.values())
