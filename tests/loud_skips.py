"""Skips the browser tests without a Chromium, and prints at the end how to install one."""

from __future__ import annotations

import pytest

from tools.browser import INSTALL_CHROMIUM, find_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of the kind `browser` as skipped when there is no browser."""
    of_the_browser = [item for item in items if item.get_closest_marker("browser")]
    if of_the_browser and not find_chromium():
        for item in of_the_browser:
            item.add_marker(pytest.mark.skip(reason="no Chromium"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a clear line when browser tests were skipped."""
    left_out = [report for report in terminalreporter.stats.get("skipped", []) if "browser" in report.keywords]
    if left_out:
        sentence = f"{len(left_out)} BROWSER TESTS WERE SKIPPED: no Chromium was found. {INSTALL_CHROMIUM}"
        terminalreporter.write_line(f"*** {sentence} ***", red=True, bold=True)
