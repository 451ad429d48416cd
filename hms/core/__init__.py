"""House rules: one place each for money, time, text, permissions, audit, alerts. Knows no desk."""

from __future__ import annotations
