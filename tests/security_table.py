"""The table of docs/security.md: how many tests stand behind each class of attack, and the figures they measured.

A test module or test says which class it belongs to, `pytest.mark.security("E")`, and records what it measured with
pytest's `record_property("figure", "what: value (aim)")`; what many tests count together, with
`record_property("counted", ("what", asked, wrong))`. `make security` runs these tests and prints the table.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

CLASSES = {
    "A": "shut by default on every route",
    "B": "faults of the original",
    "C": "registration, roles, fields that nobody may set",
    "D": "objects and fields of others",
    "E": "signing in, enumeration, lockout",
    "F": "second factor",
    "G": "sessions and cookies",
    "H": "tokens",
    "I": "forms from other sites, framing, headers",
    "J": "injection",
    "K": "files and papers",
    "L": "limits",
    "M": "sockets",
    "N": "money, stock and time slots under races",
    "O": "trail and break-glass",
    "P": "errors and secrets",
    "Q": "offline entries",
    "R": "critical values that nobody acknowledged",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--security-table", action="store_true", help="run the security tests alone and print their table")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select the security tests when their table is requested, and store the class of each in its report."""
    for item in items:
        for mark in item.iter_markers("security"):
            item.user_properties.append(("security", mark.args[0]))
    if config.getoption("--security-table"):
        chosen = [item for item in items if item.get_closest_marker("security")]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table as it is in the document."""
    if not config.getoption("--security-table"):
        return
    passed, failed = (_counted(terminalreporter.stats.get(word, [])) for word in ("passed", "failed"))
    terminalreporter.write_line("\n| class | | tests | failed |\n|---|---|---:|---:|")
    for letter, words in CLASSES.items():
        terminalreporter.write_line(f"| {letter} | {words} | {passed[letter] + failed[letter]} | {failed[letter]} |")
    terminalreporter.write_line(
        f"| | all, some in two classes | {passed.total() + failed.total()} | {failed.total()} |\n"
    )
    for figure in sorted({*_values(terminalreporter.stats, "figure"), *_sums(terminalreporter.stats)}):
        terminalreporter.write_line(f"* {figure}")


def _counted(reports: list[pytest.TestReport]) -> Counter[str]:
    return Counter(str(value) for report in reports for name, value in report.user_properties if name == "security")


def _values(stats: dict[str, list[pytest.TestReport]], kind: str) -> list[Any]:
    """What the tests recorded as `kind`."""
    done = [*stats.get("passed", []), *stats.get("failed", [])]
    return [value for report in done for name, value in report.user_properties if name == kind]


def _sums(stats: dict[str, list[pytest.TestReport]]) -> list[str]:
    """One line for each thing that several tests counted."""
    asked, wrong = Counter[str](), Counter[str]()
    for what, number, faults in _values(stats, "counted"):
        asked[what] += number
        wrong[what] += faults
    return [f"{what}: {asked[what]:,} asked, {wrong[what]} wrong (0)" for what in asked]
