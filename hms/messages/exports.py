"""The lists of this desk as files."""

from __future__ import annotations

from hms.core.exports.columns import Column, ExportTable, instant
from hms.core.text.translation import N_

from .enums import CHANNEL_LABELS

ALERTS = ExportTable(
    "alerts",
    N_("Alerts"),
    (
        instant("created_at", N_("Date")),
        Column("title", N_("Title")),
        Column("message", N_("Message")),
        Column("is_read", N_("Read")),
    ),
)
TEXTS = ExportTable(
    "message-texts",
    N_("Texts of messages"),
    (
        Column("kind", N_("Message")),
        Column("channel", N_("Channel"), words=CHANNEL_LABELS),
        Column("language", N_("Language")),
        Column("subject", N_("Subject")),
        Column("body", N_("Text")),
        Column("is_changed", N_("Changed by the hospital")),
    ),
)
