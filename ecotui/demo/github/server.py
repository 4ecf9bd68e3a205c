"""A small GitHub behind an HTTPS proxy on loopback, so that gh sees an ordinary github.com login.

gh is started with HTTPS_PROXY and SSL_CERT_FILE. The proxy ends the TLS of api.github.com and github.com itself and
refuses every other host, so nothing that is started with this environment can reach the real network.

What `gh auth refresh` and `gh auth login` need here: on a terminal, Enter (gh then "opens a browser", which is a
command that prints a line); without one, nothing. Either way the device code is approved after two seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from ecotui.demo.certificates import CertificateAuthority
from ecotui.demo.github.account import APPROVAL_SECONDS, ActionsEntry, GitHubAccount
from ecotui.demo.github.api import API_HOST, WEB_HOST, GitHubApi
from ecotui.demo.http_server import LoopbackServer, close_tls_connection, handler_for

HOSTS = (API_HOST, WEB_HOST)
_NO_PROXY = "127.0.0.1,localhost,::1"
# All that a rebuild asks of a token, and what gh itself wants.
_ALL_SCOPES = ("repo", "read:org", "write:packages", "gist")


class GitHubServer:
    """A running GitHub. `env` is what the whole demo may be started with; only gh takes notice."""

    def __init__(self, folder: Path, account: GitHubAccount, scopes: Sequence[str]) -> None:
        self.account = account
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = CertificateAuthority(folder / "tls")
        site = GitHubApi(account)
        tls = authority.server_context(HOSTS)

        class Proxy(BaseHTTPRequestHandler):
            """Answers CONNECT for GitHub's hosts and ends their TLS itself."""

            protocol_version = "HTTP/1.1"
            timeout = 120

            def do_CONNECT(self) -> None:
                host, _, port = self.path.partition(":")
                if host.lower() not in HOSTS or port != "443":
                    self.send_error(403, "the demo's network ends here")
                    self.close_connection = True
                    return
                self.send_response(200, "Connection established")
                self.end_headers()
                self.close_connection = True
                try:
                    tunnel = tls.wrap_socket(self.connection, server_side=True)
                except OSError:
                    return
                try:
                    handler_for(site, host.lower())(tunnel, self.client_address, self.server)
                finally:
                    close_tls_connection(tunnel)

            def log_message(self, format: str, *args: object) -> None:
                """The demo's terminal belongs to the operator."""

        self._server = LoopbackServer(Proxy, None, listen=True)
        self.demo_token = account.issue_token(_ALL_SCOPES, remember_scopes=False)
        """A token with every scope that a rebuild needs, to be printed on the demo's screen and pasted."""
        config = folder / "gh"
        _store_login(config, account.login, account.issue_token(scopes))
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.env: dict[str, str] = {
            "HTTPS_PROXY": self.url,
            "https_proxy": self.url,
            "NO_PROXY": _NO_PROXY,
            "no_proxy": _NO_PROXY,
            "SSL_CERT_FILE": str(authority.certificate_path),
            "GH_CONFIG_DIR": str(config),
            "GH_BROWSER": _BROWSER_COMMAND,
            "BROWSER": _BROWSER_COMMAND,
            "GH_NO_UPDATE_NOTIFIER": "1",
            # Newer versions of gh put a token into the desktop's keyring: the operator's own, and not ours to touch.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'no-keyring'}",
        }

    def stop(self) -> None:
        """Stop listening; connections that are open are dropped."""
        self._server.stop()


# Split by gh as a shell would; it prints the page's address behind these words.
_BROWSER_COMMAND = "echo 'demo: approved by itself in a moment; a browser would open'"


def start_github(
    folder: Path,
    scopes: Sequence[str] = ("repo", "write:packages"),
    login: str = "eco-operator",
    *,
    repository: str = "eco-team/backend",
    secrets: Sequence[str] = ("AWS_ROLE_ARN", "KUBE_CONFIG"),
    variables: Mapping[str, str] | None = None,
    approval_seconds: float = APPROVAL_SECONDS,
) -> GitHubServer:
    """Start it, with a login stored for gh under `folder` whose token has `scopes`.

    `approval` is in seconds: how long a device code waits for its approval.
    """
    old = "2025-11-01T00:00:00Z"
    account = GitHubAccount(
        login,
        repository,
        approval_seconds,
        secrets={name: ActionsEntry(name, "", old, old) for name in secrets},
        variables={name: ActionsEntry(name, value, old, old) for name, value in (variables or {}).items()},
    )
    return GitHubServer(folder, account, scopes)


def _store_login(folder: Path, login: str, token: str) -> None:
    """The file that `gh auth login` leaves. With ssh, gh does not offer to change git's settings on a refresh."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "hosts.yml"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"github.com:\n    user: {login}\n    oauth_token: {token}\n    git_protocol: ssh\n")
