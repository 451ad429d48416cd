"""The demo command does nothing in a real hospital."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.security("P")


def test_the_demo_is_not_created_without_hms_demo(app):
    answer = app.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code == 1
    assert "HMS_DEMO=1" in answer.output
