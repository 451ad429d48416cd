"""What desks above this one add to the encounter page: a section of their own, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hms.core.person import Person

from .models import Encounter

Step = Callable[[Any, Encounter, str, Person], None]


@dataclass(frozen=True)
class Section:
    """One section. `template` shows it while the encounter is written, `read_template` afterwards, `print_template` on
    the paper; each finds what `gather` answers under `section`. `steps` are the buttons' deeds, `clears` the form fields
    that are done after them."""

    template: str
    read_template: str
    print_template: str
    gather: Callable[[Encounter], Any]
    steps: Mapping[str, Step]
    clears: tuple[str, ...] = ()


_sections: list[Section] = []


def add_section(section: Section) -> None:
    """Put a section on the encounter page."""
    if section not in _sections:
        _sections.append(section)


def load_sections(encounter: Encounter) -> list[tuple[Section, Any]]:
    """Every section with what it shows of this encounter."""
    return [(section, section.gather(encounter)) for section in _sections]


def get_step(do: str) -> Step | None:
    """What a button of a section does."""
    return next((section.steps[do] for section in _sections if do in section.steps), None)


def fields_cleared_by(do: str) -> tuple[str, ...]:
    """The fields that are done after a button of a section."""
    return next((section.clears for section in _sections if do in section.steps), ())
