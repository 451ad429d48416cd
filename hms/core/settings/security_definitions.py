"""Settings of sign-in, sessions and access. All are sensitive: changing one requires the administrator's password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .definition import SettingDefinition

SECURITY = _l("Security")

SECURITY_SETTINGS = (
    SettingDefinition(
        "staff.registration_open",
        False,
        _l("People may request an account"),
        SECURITY,
        help=_l("They choose their own password, and cannot sign in until an administrator approves the account."),
        is_public=True,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.two_person_admin_grant",
        True,
        _l("Two administrators must approve a new administrator"),
        SECURITY,
        help=_l(
            "Applies to roles that manage people or roles. If there is only one administrator, that "
            "person decides alone."
        ),
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.shortest_password",
        12,
        _l("Minimum password length"),
        SECURITY,
        help=_l("Applies to new passwords. Length protects better than special characters."),
        least=9,  # eight characters never get the required score of zxcvbn (staff/login_security/password_rules.py)
        most=64,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.idle_minutes",
        15,
        _l("Lock after minutes without activity"),
        SECURITY,
        help=_l("Automatic page updates do not count as activity."),
        least=5,
        most=120,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.session_hours",
        12,
        _l("Longest session in hours"),
        SECURITY,
        help=_l("After this time everyone must sign in again. Drafts are saved."),
        least=1,
        most=24,
        is_sensitive=True,
    ),
    SettingDefinition(
        "clinical.admin_requires_break_glass",
        False,
        _l("Administrators need emergency access for clinical notes"),
        SECURITY,
        help=_l("Off: administrators can read clinical notes, and each access is in the audit trail."),
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.mass_read_records",
        200,
        _l("Record limit per account"),
        SECURITY,
        help=_l(
            "Each patient counts once. A hundred list rows, or twenty search results, count as one. "
            "Above the limit the account is slowed down. 0: no limit."
        ),
        least=0,
        most=10_000,
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.mass_read_minutes",
        10,
        _l("Period of the record limit, in minutes"),
        SECURITY,
        help=_l("Records opened in this period are counted."),
        least=1,
        most=120,
        is_sensitive=True,
    ),
    SettingDefinition(
        "security.slow_reads",
        10,
        _l("Records per minute above the limit"),
        SECURITY,
        help=_l("Choose enough to continue patient care."),
        least=1,
        most=600,
        is_sensitive=True,
    ),
    SettingDefinition(
        "staff.second_factor_roles",
        "",
        _l("Roles that need a second factor"),
        SECURITY,
        help=_l("Role codes separated by commas, for example: admin, pharmacist."),
        is_sensitive=True,
        pattern=r"[a-z0-9, -]+",
    ),
)
