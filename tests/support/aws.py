"""A moto server shared by the suite, an AWS that answers as a test scripts it, and endpoints that are dead or hang."""

from __future__ import annotations

import functools
import json
import logging
import os
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

_environment_lock = threading.RLock()


@contextmanager
def process_environment(env: Mapping[str, str]) -> Iterator[None]:
    """`env` in place of the environment of this process, for one thread after the other."""
    with _environment_lock, patch.dict(os.environ, env, clear=True):
        yield


class SessionInEnvironment:
    """A BotocoreSession that reads this mapping as its process's environment, whenever it is used."""

    def __init__(self, session: Any, env: Mapping[str, str]) -> None:
        self._session = session
        self._env = env

    def __getattr__(self, name: str) -> Any:
        with process_environment(self._env):
            found = getattr(self._session, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            with process_environment(self._env):
                return found(*args, **kwargs)

        return call


@pytest.fixture(scope="session", autouse=True)
def sessions_in_their_environment() -> Iterator[None]:
    """botocore reads the environment of its process: in the program that of a check's own child. The tests share one
    process, and give each session its environment as a mapping."""
    from checks.aws.session import AwsSession

    open_session = AwsSession._open_session

    def open_in_environment(self: AwsSession) -> Any:
        if self._session is None:
            with process_environment(self._env):
                self._session = SessionInEnvironment(open_session(self), self._env)  # type: ignore[assignment]
        return self._session

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(AwsSession, "_open_session", open_in_environment)
        yield


Answer = dict[str, Any] | tuple[int, dict[str, Any]] | Callable[[dict[str, Any]], Any]
"""A body; a status and a body; or a function of the request that gives either."""


@pytest.fixture(scope="session", autouse=True)
def aws_at_speed() -> Iterator[None]:
    """botocore reads its models of AWS anew for each session, and moto makes thousands of images at each reset and logs
    each request: most of the time of a test that asks AWS."""
    import botocore.loaders
    import botocore.session

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        monkeypatch.setattr(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The address of a moto server in this process. Reset by `aws_env`; use that."""
    from moto.server import ThreadedMotoServer

    from ecotui.demo.aws import cloudtrail, s3
    from ecotui.demo.aws import ec2 as aws_ec2

    aws_ec2.install_placement_groups()
    s3.install_s3()
    cloudtrail.install_cloudtrail()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws_env(moto_endpoint: str, tmp_path: Path) -> dict[str, str]:
    """The environment of an operator with keys, an empty home, and an empty AWS behind AWS_ENDPOINT_URL."""
    with urllib.request.urlopen(urllib.request.Request(f"{moto_endpoint}/moto-api/reset", method="POST"), timeout=10):
        pass
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": "ap-northeast-2",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


_made: dict[str, Any] = {}
"""An `Aws` by endpoint: making a client takes longer than most tests."""


@pytest.fixture
def team_store(aws_env: dict[str, str]) -> Any:
    """The place that a team shares: `s3://eco2-team/ecotui/prod`, empty."""
    from checks.aws.object_store import ObjectStore
    from checks.aws.session import AwsSession
    from config import model

    endpoint = aws_env["AWS_ENDPOINT_URL"]
    if endpoint not in _made:
        _made[endpoint] = AwsSession(model.AwsSettings(region="ap-northeast-2"), aws_env)
    _made[endpoint].client("s3").create_bucket(
        Bucket="eco2-team", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )
    return ObjectStore(_made[endpoint], "s3://eco2-team/ecotui/prod")


@dataclass
class Scripted:
    """An AWS service of the JSON protocol that answers each operation with the next of its answers, then the last."""

    endpoint: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, *answers: Answer) -> None:
        self.answers[operation] = list(answers)

    def refuse(self, operation: str, code: str, message: str = "", status: int = 400) -> None:
        self.answer(operation, (status, {"__type": code, "message": message}))

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.asked)

    def reply(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.asked.append((operation, request))
            waiting = self.answers.get(operation)
            if not waiting:
                return 400, {"__type": "NotScripted", "message": operation}
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if callable(answer):
            answer = answer(request)
        return answer if isinstance(answer, tuple) else (200, answer)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A scripted service; put its `endpoint` into AWS_ENDPOINT_URL_<SERVICE>."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            target = self.headers.get("X-Amz-Target")
            if target is None:  # EC2's query protocol: only refusals are scripted for it
                request = dict(urllib.parse.parse_qsl(sent.decode()))
                status, body = script.reply(request.get("Action", ""), request)
                told = f"<Code>{body['__type']}</Code><Message>{body['message']}</Message>"
                data = f"<Response><Errors><Error>{told}</Error></Errors></Response>".encode()
            else:
                status, body = script.reply(target.rpartition(".")[2], json.loads(sent or b"{}"))
                data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield script
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def dead_endpoint() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@dataclass
class Hanging:
    endpoint: str
    connections: list[socket.socket] = field(default_factory=list)


@pytest.fixture
def hanging_endpoint() -> Iterator[Hanging]:
    """An address that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    hanging = Hanging(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                hanging.connections.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield hanging
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in hanging.connections:
        connection.close()
    thread.join(5)
