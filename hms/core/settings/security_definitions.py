"""Settings of who gets in, and for how long. Each asks the administrator for their password again."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .definition import SettingDefinition

SECURITY = _l("Security")

SECURITY_SETTINGS = (
    SettingDefinition(
        "staff.registration_open",
        False,
        _l("People may ask for an account"),
        SECURITY,
        help=_l("They choose their own password, and cannot sign in until an administrator approves the account."),
        is_public=True,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.two_person_admin_grant",
        True,
        _l("Two administrators must agree on a new one"),
        SECURITY,
        help=_l("Counts for roles that manage people or roles. The only administrator of a hospital decides alone."),
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.shortest_password",
        12,
        _l("Fewest characters of a password"),
        SECURITY,
        help=_l("Counts for passwords chosen from now on. Length protects better than odd signs."),
        least=8,
        most=64,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.idle_minutes",
        15,
        _l("Lock after idle minutes"),
        SECURITY,
        help=_l("Pages that renew themselves do not count as work."),
        least=5,
        most=120,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.session_hours",
        12,
        _l("Longest session in hours"),
        SECURITY,
        help=_l("Then everybody signs in again, also in the middle of work; drafts are kept."),
        least=1,
        most=24,
        is_sensitive=True,
    ),
    SettingDefinition(
        "clinical.admin_requires_break_glass",
        False,
        _l("Administrators need break-glass for clinical text"),
        SECURITY,
        help=_l("Off: an administrator reads clinical notes, and each reading is in the trail."),
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.mass_read_records",
        200,
        _l("Records one account may read in a short time"),
        SECURITY,
        help=_l(
            "Each patient counts once; a hundred rows of lists, or twenty of searches, count one. Above it the account is slowed."
            " 0: no limit."
        ),
        least=0,
        most=10_000,
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.mass_read_minutes",
        10,
        _l("The short time, in minutes"),
        SECURITY,
        help=_l("So far back the reads of an account are counted."),
        least=1,
        most=120,
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.slow_reads",
        10,
        _l("Reads a minute for an account that is slowed down"),
        SECURITY,
        help=_l("Enough to go on caring for patients."),
        least=1,
        most=600,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.second_factor_roles",
        "",
        _l("Roles that need a second factor"),
        SECURITY,
        help=_l("Codes of roles with commas between them, for example: admin, pharmacist."),
        is_sensitive=True,
        shape=r"[a-z0-9, -]+",
    ),
)
