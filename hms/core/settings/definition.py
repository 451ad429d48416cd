"""What one setting of the hospital is: a name, a type, limits and an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SettingDefinition:
    """One setting: its key, default (whose type it keeps), name and explanation; the words are lazy sentences.

    `is_public` ones may be read by anybody. Changing a sensitive one, which holds a control of
    people or of money, asks the administrator for their password again, and every other administrator is told.
    Whole numbers lie between `least` and `most`; a text is one of `choices` when there are any, and `shape` (a regular
    expression) fits all of it or it is empty.
    """

    key: str
    default: Any
    label: str
    category: str
    help: str = ""
    is_public: bool = False
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    shape: str = ""
    is_sensitive: bool = False

    @property
    def kind(self) -> str:
        """ "flag", "whole", "choice" or "text": which control asks for it."""
        if isinstance(self.default, bool):
            return "flag"
        if isinstance(self.default, int):
            return "whole"
        return "choice" if self.choices else "text"
