"""Sends one e-mail through the hospital's mail server, step by step, to know what became of it."""

from __future__ import annotations

import re
import smtplib
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from flask import current_app

from hms.core import clock
from hms.core.background import mail

from .results import Outcome, Result, clean_words

_ADDRESS = re.compile(r"[^\s@<>,;:\x00-\x1f\x7f-\uffff]+@[A-Za-z0-9.-]+")


def send(to: str, subject: str, text: str, reference: str) -> Result:
    """Send one message; never raises for what the server does.

    What fails before the text was handed over may be tried again. A connection that is lost afterwards leaves the outcome
    unknown.
    """
    if not _ADDRESS.fullmatch(to):
        return Result(Outcome.REFUSED, "This is no e-mail address.")
    try:
        server = mail.connect()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Result(Outcome.FAILED, _explain(error))
    try:
        return _hand_over(server, to, _message(to, subject, text, reference))
    except (OSError, smtplib.SMTPException) as error:
        return Result(Outcome.FAILED, _explain(error))
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _hand_over(server: smtplib.SMTP, to: str, message: EmailMessage) -> Result:
    server.ehlo_or_helo_if_needed()
    for answer in (server.mail(_sender()), server.rcpt(to)):
        if answer[0] not in (250, 251):
            return _refusal(*answer)
    try:
        code, words = server.data(message.as_bytes(policy=SMTP))
    except smtplib.SMTPDataError as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        return Result(Outcome.UNKNOWN, _explain(error))
    if code != 250:
        return _refusal(code, words)
    return Result(Outcome.SENT, clean_words(f"{code} {clean_words(words)}", secrets=_secrets()), message["Message-ID"])


def _message(to: str, subject: str, text: str, reference: str) -> EmailMessage:
    message = EmailMessage()
    message["To"], message["From"] = to, current_app.config["MAIL_FROM"]
    message["Subject"] = " ".join(subject.split())
    message["Date"] = clock.now()
    message["Message-ID"] = f"<{reference}@{_sender().rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text + "\n", cte="quoted-printable")
    return message


def _sender() -> str:
    """The address alone of "Hospital <hms@hospital.lan>"."""
    named = re.fullmatch(r".*<([^<>]+)>\s*", current_app.config["MAIL_FROM"])
    return named[1] if named else current_app.config["MAIL_FROM"]


def _refusal(code: int, words: bytes | str) -> Result:
    said = clean_words(f"{code} {clean_words(words)}", secrets=_secrets())
    return Result(Outcome.REFUSED if code >= 500 else Outcome.FAILED, said)


def _explain(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return clean_words(f"{error.smtp_code} {clean_words(error.smtp_error)}", secrets=_secrets())
    return clean_words(f"{type(error).__name__}: {error}", secrets=_secrets())


def _secrets() -> tuple[str, ...]:
    return (unquote(urlsplit(current_app.config["SMTP_URL"]).password or ""),)
