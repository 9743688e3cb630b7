"""A real SMTP server that keeps every mail as a file: `python -m demo.mailbox PORT DIRECTORY`."""

import asyncio
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from aiosmtpd.smtp import SMTP as Server


class Mailbox:
    """Accepts everything; `0001-name@example.com.eml` is the first mail, to that recipient."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        number = len(list(self._directory.glob("*.eml"))) + 1
        name = f"{number:04}-{'-'.join(envelope.rcpt_tos)}.eml".replace("/", "_")
        partial = self._directory / f"{name}.part"
        partial.write_bytes(bytes(envelope.content or b""))
        partial.rename(self._directory / name)  # a reader never sees half a mail
        return "250 Kept"


async def serve(port: int, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(Mailbox(directory), hostname="demo"), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
    except KeyboardInterrupt:
        sys.exit(0)
