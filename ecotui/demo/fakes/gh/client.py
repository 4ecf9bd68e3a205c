"""The way to the demo's GitHub, through its proxy; and the login that is stored for it."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from ecotui.demo.fakes import VERSION_NOTICE

HOST = "github.com"
API = "api.github.com"


class Refused(Exception):
    """In gh's words; `code` is gh's exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


def ask(host: str, method: str, path: str, token: str = "", body: bytes = b"", kind: str = "") -> Answer:
    """One request. Raises Refused when the demo's GitHub cannot be reached."""
    proxy = urlsplit(os.environ.get("HTTPS_PROXY", ""))
    if proxy.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Refused(
            f"{VERSION_NOTICE.format(name='gh')}: no proxy of the demo in HTTPS_PROXY, and it goes nowhere else"
        )
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=30, context=context)
    connection.set_tunnel(host, 443)
    headers = {"Accept": "application/json", "User-Agent": "ecotui stand-in"}
    if token:
        headers["Authorization"] = f"token {token}"
    if kind:
        headers["Content-Type"] = kind
    try:
        connection.request(method, path, body=body or None, headers=headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f'Get "https://{host}{path}": {error}') from None
    finally:
        connection.close()
    return Answer(response.status, response.reason, dict(response.getheaders()), text)


def form(path: str, **values: str) -> dict[str, str]:
    """Post a form to github.com itself, as a device login does."""
    from urllib.parse import parse_qsl

    body = urlencode(values).encode()
    return dict(parse_qsl(ask(HOST, "POST", path, body=body, kind="application/x-www-form-urlencoded").body))


def stored_login() -> Path:
    """The file that holds the login."""
    folder = os.environ.get("GH_CONFIG_DIR")
    home = os.environ.get("XDG_CONFIG_HOME") or Path(os.environ.get("HOME") or "~").expanduser() / ".config"
    return Path(folder or Path(home) / "gh") / "hosts.yml"


def token() -> tuple[str, str]:
    """The token that counts, and where it is from; both empty when there is none."""
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        if os.environ.get(name):
            return os.environ[name], name
    return (stored_token(), str(stored_login())) if stored_token() else ("", "")


def stored_token() -> str:
    """The token of the stored login; the file has one host and is written by the demo or by us."""
    try:
        text = stored_login().read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^\s+oauth_token:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def store(login: str, value: str) -> None:
    """Store a login, readable by the owner alone."""
    file = stored_login()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{HOST}:\n    user: {login}\n    oauth_token: {value}\n    git_protocol: ssh\n")
    new.replace(file)
