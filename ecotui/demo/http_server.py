"""HTTP on a loopback port: requests and answers as values, a thread for each connection.

Shared by the demo's GitHub and Kubernetes. An answer is either bytes or a stream of chunks that goes on until the
client leaves or the server stops.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# A body that is larger is refused: nothing that the demo's tools send comes near.
_MAX_BODY_BYTES = 4_000_000


@dataclass(frozen=True)
class HttpRequest:
    """One request: `host` is the name that the client asked for, `query` holds the last value of each key."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object or as a submitted form; empty where it is neither."""
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class HttpResponse:
    """One answer; with `stream`, the chunks follow the headers as they come."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer of JSON."""
    return HttpResponse(
        status,
        json.dumps(value, separators=(",", ":")).encode(),
        {"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )


Responder = Callable[[HttpRequest], HttpResponse]


class HttpHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with one client and asks `answer` for the content."""

    protocol_version = "HTTP/1.1"
    server_version = "ecotui-demo"
    sys_version = ""
    timeout = 120
    answer: Responder
    host = ""

    def _handle_request(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else _MAX_BODY_BYTES + 1
        if size > _MAX_BODY_BYTES:
            self.send_error(413)
            self.close_connection = True
            return
        url = urlsplit(self.path)
        request = HttpRequest(
            method=self.command,
            host=self.host or self.headers.get("Host", "").partition(":")[0],
            path=unquote(url.path),
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(size) if size else b"",
        )
        self._send_response(type(self).answer(request))

    def _send_response(self, response: HttpResponse) -> None:
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.stream is None:
            if response.status not in (204, 304):
                self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in response.stream:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle_request  # the names that http.server asks for

    def handle(self) -> None:
        """A client that leaves in the middle is no news."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """The demo's terminal belongs to the operator."""


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1, at once or when it is told to.

    A port that is bound but not listening refuses connections, as the port of a machine that is still booting does;
    and nobody else can take it meanwhile.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None, *, listen: bool) -> None:
        self._tls = tls
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=False)
        self.server_bind()
        self.port = int(self.server_address[1])
        self._thread: threading.Thread | None = None
        if listen:
            self.start_listening()

    @property
    def is_listening(self) -> bool:
        return self._thread is not None

    def start_listening(self) -> None:
        """Begin to accept connections."""
        if self._thread is None:
            self.server_activate()
            self._thread = threading.Thread(
                target=self.serve_forever,
                name=f"loopback-{self.port}",
                kwargs={"poll_interval": 0.2},
                daemon=True,
            )
            self._thread.start()

    def stop_listening(self) -> None:
        """Refuse connections again; the port stays ours."""
        if self._thread is None:
            return
        self._stop_serving()
        self.socket.close()
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self._thread = None  # last: whoever sees that nobody listens is refused

    def stop(self) -> None:
        """Give the port back."""
        if self._thread is not None:
            self._stop_serving()
            self._thread = None
        self.server_close()

    def _stop_serving(self) -> None:
        self.shutdown()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def server_bind(self) -> None:
        """Without the reverse look-up of our own name that http.server makes, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The TLS handshake happens here, in the connection's own thread."""
        if self._tls is not None:
            request.settimeout(10)
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)
        if self._tls is not None:
            close_tls_connection(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing on the operator's terminal; the client sees a dropped connection."""


def close_tls_connection(connection: ssl.SSLSocket) -> None:
    """Close a TLS connection, whatever state it is in."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        connection.close()


def handler_for(responder: Responder, host: str = "") -> type[HttpHandler]:
    """A handler class that asks `answer`; `host` overrides the Host header (inside a tunnel)."""
    return type("BoundExchange", (HttpHandler,), {"answer": staticmethod(responder), "host": host})
