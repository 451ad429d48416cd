"""Name, address and phone of the hospital, as `create-admin` asks for them in a terminal or reads them from a script."""

from __future__ import annotations

import sys

import click

from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.settings.definitions import SETTINGS

QUESTIONS = {"name": "Name of the hospital", "address": "Address of the hospital", "phone": "Phone of the hospital"}


def has_name() -> bool:
    """Whether somebody entered the hospital's name."""
    return settings.value("hospital.name") not in ("", SETTINGS["hospital.name"].default)


def ask_for_missing(given: dict[str, str | None]) -> dict[str, str]:
    """`given` with answers for what is missing; nothing is asked once the hospital has a name."""
    answers = {name: text for name, text in given.items() if text is not None}
    if has_name():
        return answers
    return answers | {name: _ask(question) for name, question in QUESTIONS.items() if name not in answers}


def _ask(question: str) -> str:
    """The answer to `question`. Without a terminal it is the next line of the input; blank at its end."""
    if sys.stdin.isatty():
        return click.prompt(question, default="", show_default=False).strip()
    return sys.stdin.readline().strip()


def save(facts: dict[str, str]) -> None:
    """Store the facts that are not blank as settings of the hospital. Raises `RuleBroken`."""
    for name, text in facts.items():
        if text:
            settings.change_setting(f"hospital.{name}", text, by=SYSTEM)
