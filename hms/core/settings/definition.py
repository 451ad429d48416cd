"""The definition of one setting: key, type, limits, label and help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SettingDefinition:
    """One setting. Its value has the type of `default`; `label`, `category` and `help` are lazy sentences.

    Everyone may read a setting that `is_public`. One that `is_sensitive` controls access or money: changing it requires the
    administrator's password, and all other administrators are alerted. A whole number is between `least` and `most`. A
    text is one of `choices` when there are any, and is blank or matches `pattern` (a regular expression) in full.
    `choice_labels` are the words for `choices`, in the same order. `check` raises `RuleBroken` for a text that is not valid.
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
    choice_labels: tuple[str, ...] = ()
    pattern: str = ""
    is_sensitive: bool = False
    is_picture: bool = False
    check: Callable[[str], None] | None = None

    def value_label(self, value: Any) -> Any:
        """The words for a choice; any other value as it is."""
        return dict(zip(self.choices, self.choice_labels, strict=False)).get(value, value)

    @property
    def kind(self) -> str:
        """The type of the form's control: "flag", "whole", "choice", "picture" or "text"."""
        if isinstance(self.default, bool):
            return "flag"
        if isinstance(self.default, int):
            return "whole"
        return "picture" if self.is_picture else "choice" if self.choices else "text"
