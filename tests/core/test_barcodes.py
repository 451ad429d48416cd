"""Bar codes are Code 128 with room on both sides."""

from __future__ import annotations

import re

from hms.core.documents.barcodes import QUIET_ZONE, code128


def test_the_bar_code_is_code_128():
    code = code128("R2026000931")
    # Start B, "R", switch to C, five pairs of digits, checksum, stop with 13 modules (ISO/IEC 15417).
    assert code.width == 11 * 9 + 13 + 2 * QUIET_ZONE
    bars = [(int(at), int(wide)) for at, wide in re.findall(r"M(\d+) 0h(\d+)v1h-\2z", code.path)]
    assert bars[0] == (QUIET_ZONE, 2)
    assert bars[-1][0] + bars[-1][1] == code.width - QUIET_ZONE
    # Every symbol has three bars, the stop four; no bar is wider than four modules, and none touches the next.
    assert len(bars) == 3 * 9 + 4
    assert all(wide <= 4 for _at, wide in bars)
    assert all(at + wide < bars[n + 1][0] for n, (at, wide) in enumerate(bars[:-1]))
