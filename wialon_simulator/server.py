"""HTTP around the protocol: plain sockets, so that broken answers can really be broken."""

import contextlib
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from wialon_simulator.errors import Hangup
from wialon_simulator.faults import FaultKind
from wialon_simulator.protocol import EVENTS, Api

RPC_PATH, EVENTS_PATH = "/wialon/ajax.html", "/avl_evts"
HTML_PAGE = b"<html><body><h1>Maintenance</h1></body></html>"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """Listens at once; serves the `Api` given to it."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], api: Api) -> None:
        self.api = api
        self._connections: set[socket.socket] = set()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stops listening and cuts the connections that clients keep alive."""
        super().server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about clients that left; anything else is printed as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    server_version = "WialonSimulator"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the terminal quiet: `/simulator/counters` says what happened."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = _form(url.query) | _form(body.decode("utf-8", "replace"))
        if url.path == RPC_PATH:
            self._call(form.get("svc", "").replace(EVENTS, ""), form)
        elif url.path == EVENTS_PATH:
            self._call(EVENTS, form | {"params": "{}"})
        elif url.path.startswith("/simulator/"):
            try:
                self._control(url.path.removeprefix("/simulator/"), _form(url.query), body)
            except (ValueError, TypeError, KeyError) as problem:
                self._send(400, {"error": str(problem)})
        else:
            self._send(404, {"error": "not found"})

    def _call(self, svc: str, form: dict[str, str]) -> None:
        api, params = self.server.api, form.get("params", "")
        fault = api.take_fault(svc, _loads(params))
        if fault and fault.kind is FaultKind.RESET:
            self._reset()
        elif fault and fault.kind is FaultKind.HTML:
            self._send_bytes(200, HTML_PAGE, "text/html")
        elif fault and fault.kind is FaultKind.BAD_GATEWAY:
            self._send_bytes(502, HTML_PAGE, "text/html")
        else:
            try:
                answer = orjson.dumps(api.answer(svc, params, form.get("sid"), fault))
            except Hangup:
                self.close_connection = True
                return
            cut = fault is not None and fault.kind in (FaultKind.TRUNCATED, FaultKind.RESET_MIDWAY)
            self._send_bytes(200, answer, "application/json", cut=cut)
            if fault and fault.kind is FaultKind.RESET_MIDWAY:
                self._reset()

    def _control(self, name: str, query: dict[str, str], body: bytes) -> None:
        """Serves the switches and the truth; these are the simulator's own, no Wialon server has them."""
        api, world = self.server.api, self.server.api.world
        match self.command, name:
            case "POST", "faults":
                self._send(200, {"id": api.faults.add(**orjson.loads(body))})
            case "DELETE", "faults":
                api.faults.clear()
                self._send(200, {"error": 0})
            case "POST", "advance":
                world.clock.advance(float(orjson.loads(body)["seconds"]))
                self._send(200, {"now": world.clock.now()})
            case "GET", "counters":
                self._send(200, api.counters.as_dict())
            case "GET", "messages" if int(query.get("unit") or 0) in world.units:
                with world.lock:
                    now = world.clock.now()
                    records = world.units[int(query["unit"])].history.between(0, 2**40, now)
                self._send(200, {"now": now, "messages": [orjson.Fragment(record.body) for record in records]})
            case _:
                self._send(404, {"error": "not found"})

    def _send(self, status: int, answer: Any) -> None:
        self._send_bytes(status, orjson.dumps(answer), "application/json")

    def _send_bytes(self, status: int, body: bytes, content_type: str, *, cut: bool = False) -> None:
        """Sends a response; a cut one promises the whole body, delivers half and hangs up."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def _reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.close_connection = True
        self.connection.close()


def _form(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _loads(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
