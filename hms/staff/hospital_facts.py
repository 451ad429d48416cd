"""Name, address and phone of the hospital, as `create-admin` asks for them in a terminal or reads them from a script."""

from __future__ import annotations

import sys

import click

from hms.core.person import SYSTEM
from hms.core.settings import store as settings

QUESTIONS = {"name": "Name of the hospital", "address": "Address of the hospital", "phone": "Phone of the hospital"}


def prompt_for_missing(options: dict[str, str | None]) -> dict[str, str]:
    """The facts in `options`, and the answers to questions for the others; no question once the hospital has a name."""
    facts = {name: text for name, text in options.items() if text is not None}
    if settings.is_entered("hospital.name"):
        return facts
    return facts | {name: _prompt(question) for name, question in QUESTIONS.items() if name not in facts}


def _prompt(question: str) -> str:
    """The answer to `question`. Without a terminal it is the next line of the input; blank at its end."""
    if sys.stdin.isatty():
        return click.prompt(question, default="", show_default=False).strip()
    return sys.stdin.readline().strip()


def save(facts: dict[str, str]) -> None:
    """Store the facts that are not blank as settings of the hospital. Raises `RuleBroken`."""
    for name, text in facts.items():
        if text:
            settings.change_setting(f"hospital.{name}", text, by=SYSTEM)
