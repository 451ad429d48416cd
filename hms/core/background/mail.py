"""Outgoing e-mail through the hospital's mail server (`HMS_SMTP_URL`); without one, nothing is sent."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from flask import current_app

TIMEOUT = 20.0


def is_set_up() -> bool:
    """Whether `HMS_SMTP_URL` names a server (`smtp://host:25`, `smtps://name:password@host`, `smtp+tls://host:587`)."""
    return bool(current_app.config["SMTP_URL"])


def send(to: str, subject: str, text: str) -> None:
    """Send one message; raises `OSError` or `smtplib.SMTPException` when the mail server does not accept it.

    Call it only in a background job: it waits for the network.
    """
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = to, current_app.config["MAIL_FROM"], subject
    message.set_content(text)
    with connect() as server:
        server.send_message(message)


def connect() -> smtplib.SMTP:
    """A connection to the mail server, with TLS and the sign-in that `HMS_SMTP_URL` asks for.

    Raises `OSError` or `smtplib.SMTPException`.
    """
    url, tls = urlsplit(current_app.config["SMTP_URL"]), ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(url.hostname or "", url.port or 465, timeout=TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(url.hostname or "", url.port or 25, timeout=TIMEOUT)
    if url.scheme == "smtp+tls":
        server.starttls(context=tls)
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
    return server
