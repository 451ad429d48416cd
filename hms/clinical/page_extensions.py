"""Sections that higher desks add to the encounter page, with the steps of their buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hms.core.person import Person

from .models import Encounter

Step = Callable[[Any, Encounter, str, Person], None]


@dataclass(frozen=True)
class Section:
    """One section of the encounter page.

    `title` and `anchor` are its name and its id in the list of sections. `template` is for an open
    encounter, `read_template` for a signed one, `print_template` for the printed summary. Each gets the result of `load`
    as `section`. `steps` are run by buttons of these names; `clears` are the form fields that
    are blank afterwards.
    """

    title: str
    anchor: str
    template: str
    read_template: str
    print_template: str
    load: Callable[[Encounter], Any]
    steps: Mapping[str, Step]
    clears: tuple[str, ...] = ()


_sections: list[Section] = []


def add_section(section: Section) -> None:
    if section not in _sections:
        _sections.append(section)


def load_sections(encounter: Encounter) -> list[tuple[Section, Any]]:
    """Every section with its data for this encounter."""
    return [(section, section.load(encounter)) for section in _sections]


def get_step(do: str) -> Step | None:
    """The step of a section's button `do`; None when no section has it."""
    return next((section.steps[do] for section in _sections if do in section.steps), None)


def fields_cleared_by(do: str) -> tuple[str, ...]:
    """The form fields that are blank after the button `do` of a section."""
    return next((section.clears for section in _sections if do in section.steps), ())
