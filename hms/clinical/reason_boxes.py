"""The boxes of the encounter page for reasons: beside each finding a choice and an explanation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from wtforms import Field

from hms.core.text.cleaning import without_control_characters
from hms.core.text.translation import N_, Sentence
from hms.formulary.safety.reasons import OVERRIDE_REASONS, Reason, is_explained, is_reason

ORDER, SIGNATURE = "order", "sign"
_NAME = re.compile(r"why-(?:order|sign)-[0-9a-f]{12}-(?:code|text)")
MAX_LENGTH = 2000
CHOOSE = Sentence(N_("Choose a reason, or do not prescribe it."))
EXPLAIN = Sentence(N_("Enter a reason of at least 5 characters."))


def read_boxes(typed: Mapping[str, Any]) -> dict[str, str]:
    """The boxes among the typed fields, by name, without those left blank."""
    return {
        name: without_control_characters(value)[:MAX_LENGTH]
        for name, value in typed.items()
        if isinstance(value, str) and value and _NAME.fullmatch(name)
    }


class ReasonBoxes(Field):
    """All reasons that were chosen on the page; `data` has the boxes by name.

    A box is named by its place (`ORDER`, at the medicine that is being added, or `SIGNATURE`) and by the finding's key.
    """

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        super().process(None, data or {}, extra_filters)
        self.marked: dict[str, Sentence] = {}
        if formdata:
            self.data = read_boxes({name: formdata.get(name) for name in formdata})

    def _value(self) -> str:
        return json.dumps(self.data) if self.data else ""

    def restore(self, text: str) -> None:
        """Fill the boxes from the text of a draft; no box from a text that is none."""
        try:
            typed = json.loads(text)
        except (ValueError, RecursionError):
            typed = None
        self.data = read_boxes(typed) if isinstance(typed, dict) else {}

    def prefill(self, place: str, reasons: Mapping[str, Reason]) -> None:
        """Fill the boxes of a place with reasons that were given before."""
        for key, reason in reasons.items():
            boxes = {f"why-{place}-{key}-code": reason.code, f"why-{place}-{key}-text": reason.text}
            self.data |= read_boxes(boxes)

    def forget(self, place: str) -> None:
        """Empty the boxes of a place."""
        self.data = {name: text for name, text in self.data.items() if not name.startswith(f"why-{place}-")}

    def reason(self, place: str, key: str) -> Reason:
        """The reason in the boxes of a finding, as typed."""
        return Reason(*(self.data.get(f"why-{place}-{key}-{part}", "") for part in ("code", "text")))

    def reasons(self, place: str) -> dict[str, Reason]:
        """The reasons of a place by the keys of the findings."""
        keys = {name.split("-")[2] for name in self.data if name.startswith(f"why-{place}-")}
        return {key: reason for key in sorted(keys) if (reason := self.reason(place, key)).code}

    def mark(self, place: str, missing: Iterable[str]) -> None:
        """Show at the findings with these keys that the reason is missing, and at others that its explanation is. The list
        of errors leads to the first of them."""
        self.marked = {key: CHOOSE for key in missing if not is_reason(self.reason(place, key))}
        others = self.reasons(place).items()
        self.marked |= {key: EXPLAIN for key, reason in others if not is_explained(reason)}
        if self.marked:
            self.id = f"why-{place}-{next(iter(self.marked))}-code"

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """The reasons to choose from."""
        return list(OVERRIDE_REASONS.items())
