"""One line per event, as JSON or for a terminal, for our own loggers and everybody else's alike."""

import logging
from contextvars import ContextVar
from typing import TextIO

import structlog

request_id: ContextVar[str] = ContextVar("request_id")  # of the request that is answered here


def logging_config(*, level: str, json: bool, stream: TextIO) -> None:
    """Sends all logging through structlog to the stream. Repeating it replaces the handler."""
    shared: list[structlog.typing.Processor] = [
        _with_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request's URL
    logging.getLogger("axes").setLevel(logging.WARNING)
    logging.getLogger("vl-convert").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _with_request_id(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if (name := request_id.get(None)) is not None:
        event.setdefault("request_id", name)
    return event
