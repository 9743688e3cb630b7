"""Handing one mail to the configured mail server, so that it is always known whether it may have gone out.

Django's backend reports a connection lost before the mail was handed over and one lost after it alike, as
`SMTPServerDisconnected`. So the SMTP conversation gets a hook right before DATA, the point of no return: what fails
before it has not gone out, what a reply refuses has not either, and what is lost without a reply after it may have.
"""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend

_DJANGO_SMTP = "django.core.mail.backends.smtp.EmailBackend"


class NotSent(Exception):
    """The mail has not gone out; a later attempt may succeed."""


class Refused(Exception):
    """The server refused this mail for good."""


class FateUnknown(Exception):
    """The connection was lost after the mail was handed over: it has gone out, or not."""


class _SmtpBackend(smtp.EmailBackend):
    """Django's SMTP backend, which calls `before_data` when sender and recipient are accepted, right before DATA."""

    def __init__(self, before_data: Callable[[], None]) -> None:
        super().__init__()
        self._before_data = before_data

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        before_data = self._before_data
        base: Any = smtplib.SMTP_SSL if self.use_ssl else smtplib.SMTP

        class Conversation(base):  # type: ignore[misc]
            def data(self, msg: bytes | str) -> Any:
                before_data()
                return super().data(msg)

        return Conversation


def send(message: EmailMessage, before_data: Callable[[], None]) -> None:
    """Sends the mail to its one recipient.

    `before_data` is called once, before the mail is handed over; what it raises ends the conversation and is passed on.
    Raises NotSent, Refused, FateUnknown.
    """
    is_handed_over = False

    def hand_over() -> None:
        nonlocal is_handed_over
        before_data()
        is_handed_over = True

    connection = _backend(hand_over)
    try:
        _open(connection)
        connection.send_messages([message])
    except OSError as error:  # every SMTPException is one
        raise _translated(error, is_handed_over) from error
    finally:
        with suppress(OSError):
            connection.close()


def _backend(before_data: Callable[[], None]) -> BaseEmailBackend:
    if settings.EMAIL_BACKEND == _DJANGO_SMTP:
        return _SmtpBackend(before_data)
    before_data()  # a console, a file: no conversation to look into
    connection: BaseEmailBackend = get_connection()
    return connection


def _open(connection: BaseEmailBackend) -> None:
    """Connects apart from sending: a refused login is the fault of our settings, not of the mail."""
    try:
        connection.open()
    except OSError as error:
        raise NotSent(f"no connection: {_reply(error)[1]}") from error


def _translated(error: OSError, is_handed_over: bool) -> Exception:
    code, text = _reply(error)
    if 500 <= code < 600:
        return Refused(text)
    if is_handed_over and not 400 <= code < 500:
        return FateUnknown(text)
    return NotSent(text)


def _reply(error: OSError) -> tuple[int, str]:
    """The code of the SMTP reply behind an error, 0 where there was none, and what to tell people."""
    code, reply = 0, b""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, reply = error.smtp_code, error.smtp_error  # type: ignore[assignment]
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return code, f"{code} {text}" if code else str(error)
