"""Settings of the escalation of critical values: who is told after how many minutes, over which channels."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .definition import SettingDefinition

ESCALATION = _l("Critical values")
_CHANNELS = ("page", "page_sms", "page_email", "all")
_CHANNEL_LABELS = (
    _l("Open pages"),
    _l("Open pages and SMS"),
    _l("Open pages and e-mail"),
    _l("Open pages, SMS and e-mail"),
)
_GROUPS = ("nobody", "responsible", "nurses", "doctors", "administrators")
_GROUP_LABELS = (
    _l("Nobody"),
    _l("The responsible doctor"),
    _l("Nurses of the department"),
    _l("All doctors"),
    _l("Administrators"),
)


def _channels(number: int, default: str, label: object) -> SettingDefinition:
    return SettingDefinition(
        f"escalations.step_{number}_channels",
        default,
        label,
        ESCALATION,
        help=_l(
            "The SMS or e-mail names no patient and no value. People also get the alerts that they chose themselves."
        ),
        choices=_CHANNELS,
        choice_labels=_CHANNEL_LABELS,
        is_sensitive=True,
    )


def _step(number: int, minutes: int, who: str, channels: str, labels: tuple[object, object, object]) -> tuple:
    who_label, minutes_label, channels_label = labels
    return (
        SettingDefinition(
            f"escalations.step_{number}_who",
            who,
            who_label,
            ESCALATION,
            help=_l("Where the group has nobody, all doctors are told; where there is none, the administrators."),
            choices=_GROUPS,
            choice_labels=_GROUP_LABELS,
            is_sensitive=True,
        ),
        SettingDefinition(
            f"escalations.step_{number}_minutes",
            minutes,
            minutes_label,
            ESCALATION,
            help=_l("Counted from the moment at which the critical value was recorded."),
            least=1,
            most=240,
            is_sensitive=True,
        ),
        _channels(number, channels, channels_label),
    )


ESCALATION_SETTINGS = (
    _channels(1, "page", _l("At once: how the responsible doctor is told")),
    *_step(
        2,
        5,
        "nurses",
        "page",
        (_l("Second step: who is told"), _l("Second step: after minutes"), _l("Second step: how they are told")),
    ),
    *_step(
        3,
        15,
        "doctors",
        "page_sms",
        (_l("Third step: who is told"), _l("Third step: after minutes"), _l("Third step: how they are told")),
    ),
    *_step(
        4,
        30,
        "administrators",
        "all",
        (_l("Fourth step: who is told"), _l("Fourth step: after minutes"), _l("Fourth step: how they are told")),
    ),
)
