"""Settings of who gets in, and for how long. Each asks the administrator for their password again."""

from __future__ import annotations

from .setting import Setting
from .words import _

SECURITY = _("Security")

SECURITY_SETTINGS = (
    Setting(
        "staff.registration_open",
        False,
        _("People may ask for an account"),
        SECURITY,
        help=_("They choose their own password, and cannot sign in until an administrator approves the account."),
        is_public=True,
        is_sensitive=True,
    ),
    Setting(
        "staff.two_person_admin_grant",
        True,
        _("Two administrators must agree on a new one"),
        SECURITY,
        help=_("Counts for roles that manage people or roles. The only administrator of a hospital decides alone."),
        is_sensitive=True,
    ),
    Setting(
        "staff.shortest_password",
        12,
        _("Fewest characters of a password"),
        SECURITY,
        help=_("Counts for passwords chosen from now on. Length protects better than odd signs."),
        least=8,
        most=64,
        is_sensitive=True,
    ),
    Setting(
        "staff.idle_minutes",
        15,
        _("Lock after idle minutes"),
        SECURITY,
        help=_("Pages that renew themselves do not count as work."),
        least=5,
        most=120,
        is_sensitive=True,
    ),
    Setting(
        "staff.session_hours",
        12,
        _("Longest session in hours"),
        SECURITY,
        help=_("Then everybody signs in again, also in the middle of work; drafts are kept."),
        least=1,
        most=24,
        is_sensitive=True,
    ),
    Setting(
        "clinical.admin_requires_break_glass",
        False,
        _("Administrators need break-glass for clinical text"),
        SECURITY,
        help=_("Off: an administrator reads clinical notes, and each reading is in the trail."),
        is_sensitive=True,
    ),
    Setting(
        "security.mass_read_records",
        200,
        _("Reads of one account in a short time before administrators are told"),
        SECURITY,
        help=_("A read is a chart, a bill, a page of a list. Above it the account is slowed down. 0: no limit."),
        least=0,
        most=10_000,
        is_sensitive=True,
    ),
    Setting(
        "security.mass_read_minutes",
        10,
        _("The short time, in minutes"),
        SECURITY,
        help=_("So far back the reads of an account are counted."),
        least=1,
        most=120,
        is_sensitive=True,
    ),
    Setting(
        "security.slow_reads",
        10,
        _("Reads a minute for an account that is slowed down"),
        SECURITY,
        help=_("Enough to go on caring for patients."),
        least=1,
        most=600,
        is_sensitive=True,
    ),
    Setting(
        "staff.second_factor_roles",
        "",
        _("Roles that need a second factor"),
        SECURITY,
        help=_("Codes of roles with commas between them, for example: admin, pharmacist."),
        is_sensitive=True,
        shape=r"[a-z0-9, -]+",
    ),
)
