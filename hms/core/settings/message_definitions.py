"""Settings of the messages to patients: what is sent and when, and how the SMS gateway is called."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hms.core.text.gateway_templates import check_body, check_headers, check_placeholders
from hms.core.text.web_address import check_web_address

from .definition import SettingDefinition

MESSAGES, GATEWAY = _l("Messages to patients"), _l("SMS gateway")
CLOCK_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def _check_address(address: str) -> None:
    check_web_address(address)
    check_placeholders(address)


MESSAGE_SETTINGS = (
    SettingDefinition(
        "messages.channels",
        "sms_email",
        _l("Channels"),
        MESSAGES,
        help=_l("When the first channel fails or cannot be used, the next one is tried."),
        choices=("sms_email", "email_sms", "sms", "email"),
        choice_labels=(_l("SMS, then e-mail"), _l("E-mail, then SMS"), _l("Only SMS"), _l("Only e-mail")),
    ),
    SettingDefinition(
        "messages.reminder_hours",
        "24",
        _l("Reminders, hours before the appointment"),
        MESSAGES,
        help=_l("Several are separated by commas: 48, 3. If blank, no reminders are sent."),
        pattern=r"[1-9][0-9]{0,2}(\s*,\s*[1-9][0-9]{0,2}){0,4}",
    ),
    SettingDefinition(
        "messages.tell_changes",
        True,
        _l("Tell patients what is booked, moved or cancelled"),
        MESSAGES,
        help=_l("Reminders are sent in any case."),
    ),
    SettingDefinition(
        "messages.consent",
        "unless_refused",
        _l("Who gets messages"),
        MESSAGES,
        help=_l("What a patient wants is recorded for each channel."),
        choices=("unless_refused", "only_agreed"),
        choice_labels=(_l("Everyone who did not refuse"), _l("Only those who agreed")),
        is_sensitive=True,
    ),
    SettingDefinition(
        "messages.least_notice_minutes",
        60,
        _l("Shortest useful notice in minutes"),
        MESSAGES,
        help=_l("Nearer to the appointment no message is sent. Late reminders are then marked as missed."),
        least=0,
        most=1440,
    ),
    SettingDefinition(
        "messages.quiet_from",
        "21:00",
        _l("Quiet hours from"),
        MESSAGES,
        help=_l("In hospital time, like 21:00. If blank, messages are sent at any hour."),
        pattern=CLOCK_TIME,
    ),
    SettingDefinition(
        "messages.quiet_until",
        "07:00",
        _l("Quiet hours until"),
        MESSAGES,
        help=_l("In hospital time, like 07:00. Messages of the quiet hours are sent then."),
        pattern=CLOCK_TIME,
    ),
    SettingDefinition(
        "messages.language",
        "en",
        _l("Language of messages"),
        MESSAGES,
        help=_l("For patients whose recorded language has no texts."),
        choices=("en", "fr", "pt"),
        choice_labels=("English", "Français", "Português"),
    ),
    SettingDefinition(
        "messages.sms_url",
        "",
        _l("Address of the SMS gateway"),
        GATEWAY,
        help=_l(
            "Begins with https:// (or http:// inside the hospital). If blank, no SMS is sent. The password is set on the "
            "server as HMS_SMS_TOKEN; where it belongs, write {{ token }}."
        ),
        is_sensitive=True,
        check=_check_address,
    ),
    SettingDefinition(
        "messages.sms_method",
        "POST",
        _l("Method"),
        GATEWAY,
        help=_l("With GET the values stand in the address: …?to={{ to }}&text={{ text }}"),
        choices=("POST", "PUT", "GET"),
    ),
    SettingDefinition(
        "messages.sms_shape",
        "form",
        _l("Shape of the request"),
        GATEWAY,
        help=_l("What most gateways expect. The fields are to, text and from, unless a body is entered."),
        choices=("form", "form_bearer", "json", "json_bearer"),
        choice_labels=(
            _l("Form"),
            _l("Form, with the token as bearer"),
            _l("JSON"),
            _l("JSON, with the token as bearer"),
        ),
    ),
    SettingDefinition(
        "messages.sms_headers",
        "",
        _l("Further headers"),
        GATEWAY,
        help=_l("Separated by |, for example X-Api-Key: {{ token }} | Accept: application/json"),
        is_sensitive=True,
        check=check_headers,
    ),
    SettingDefinition(
        "messages.sms_body",
        "",
        _l("Body"),
        GATEWAY,
        help=_l(
            "Only if the gateway wants other fields. Use {{ to }}, {{ to_digits }} (without +), {{ text }}, {{ sender }}, "
            "{{ reference }} and {{ token }}."
        ),
        is_sensitive=True,
        check=check_body,
    ),
    SettingDefinition(
        "messages.sms_sender",
        "",
        _l("Sender shown on the phone"),
        GATEWAY,
        help=_l("A number or up to eleven letters and digits, as agreed with the gateway."),
        pattern=r"\+?[A-Za-z0-9 ]{1,15}",
    ),
    SettingDefinition(
        "messages.sms_success",
        "",
        _l("Text of a good answer"),
        GATEWAY,
        help=_l("If blank, every answer with a status from 200 to 299 means sent. Else it must also hold this text."),
    ),
    SettingDefinition(
        "messages.sms_id_field",
        "id",
        _l("Field with the gateway's number"),
        GATEWAY,
        help=_l("In a JSON answer with its path, for example messages.0.id. Delivery reports name this number."),
        pattern=r"[A-Za-z0-9_.-]{1,100}",
    ),
    SettingDefinition(
        "messages.report_id_field",
        "id",
        _l("Delivery reports: field with the number"),
        GATEWAY,
        help=_l(
            "The gateway sends its reports to /api/messages/reports/ as a form or JSON, with HMS_SMS_REPORT_TOKEN in the header "
            "X-Report-Token or as the password in the address."
        ),
        pattern=r"[A-Za-z0-9_.-]{1,100}",
    ),
    SettingDefinition(
        "messages.report_status_field",
        "status",
        _l("Delivery reports: field with the state"),
        GATEWAY,
        help=_l("In JSON with its path, for example results.0.status."),
        pattern=r"[A-Za-z0-9_.-]{1,100}",
    ),
    SettingDefinition(
        "messages.report_delivered",
        "delivered, delivrd",
        _l("Delivery reports: words for delivered"),
        GATEWAY,
        help=_l("Separated by commas; capitals do not matter."),
    ),
    SettingDefinition(
        "messages.report_failed",
        "failed, undelivered, undeliv, rejected, rejectd, expired",
        _l("Delivery reports: words for failed"),
        GATEWAY,
        help=_l("Other states are on the way and change nothing."),
    ),
)
