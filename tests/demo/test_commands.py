"""The demo command keeps out of real hospitals."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.security("P")


def test_a_real_hospital_gets_no_demo(app):
    answer = app.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code == 1
    assert "HMS_DEMO=1" in answer.output
