"""A real SMTP server on a free port, which keeps the mails and misbehaves as told."""

import asyncio
import email
import email.policy
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import aiosmtpd.controller
import aiosmtpd.smtp
from django.db import connection

ACCEPTED = "250 OK"
Plan = str | Callable[[], None]


class Mailbox:
    """What the server was given. Plans by address: replies, each given once, or calls to make before a 250."""

    LOSE = "lose the connection"

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: Counter[str] = Counter()
        self.conversations: Counter[str] = Counter()  # those, too, that came to nothing
        self.at_recipient: dict[str, list[Plan]] = {}
        self.at_data: dict[str, list[Plan]] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        self.conversations[address] += 1
        return await self._follow(server, _next(self.at_recipient, address))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        [address] = envelope.rcpt_tos  # one mail for each recipient
        plan = _next(self.at_data, address)
        if callable(plan) or plan in (ACCEPTED, self.LOSE):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients[address] += 1
        return await self._follow(server, plan)

    async def _follow(self, server: Any, plan: Plan) -> str:
        if callable(plan):
            await asyncio.to_thread(_call, plan)
            return ACCEPTED
        if plan == self.LOSE:
            server.transport.abort()
        return plan


def _next(plans: dict[str, list[Plan]], address: str) -> Plan:
    return plans[address].pop(0) if plans.get(address) else ACCEPTED


def _call(plan: Callable[[], None]) -> None:
    try:
        plan()
    finally:
        connection.close()  # the thread's own


@contextmanager
def mail_server(settings: Any) -> Iterator[Mailbox]:
    """Runs the server, and has Django send to it."""
    mailbox = Mailbox()
    server = aiosmtpd.controller.Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.hostname, server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_TIMEOUT = 5
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
