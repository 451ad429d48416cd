"""Staff: accounts, roles and permissions, sign-in, sessions, tokens. It uses no patient data."""

from __future__ import annotations
