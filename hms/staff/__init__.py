"""Staff: accounts, roles and grants, sign-in, sessions, tokens. Knows no patient."""

from __future__ import annotations
