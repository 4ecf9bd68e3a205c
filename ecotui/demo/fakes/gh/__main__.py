"""The stand-in for gh: `--version`, `api`, `auth status|refresh|login|token`, `secret list|set`."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from ecotui.demo.fakes import VERSION_NOTICE
from ecotui.demo.fakes.gh.client import API, HOST, Answer, Refused, ask, form, store, token

_VERSION = "2.23.0"
_MINIMUM = ("repo", "read:org", "gist")
_VALUED = ("-h", "--hostname", "-s", "--scopes", "-X", "--method", "-R", "--repo", "-f", "-F", "-b", "--body")
_VALUED_MORE = ("-p", "--git-protocol", "--raw-field", "--field", "-q", "--jq", "-H", "--header")
_ALIASES = {
    "--hostname": "-h",
    "--scopes": "-s",
    "--method": "-X",
    "--repo": "-R",
    "--body": "-b",
    "--jq": "-q",
}
_SWITCHES = ("-i", "--include", "--silent", "--with-token", "-w", "--web", "--show-token", "-t", "--paginate")


class Words:
    """A gh command line. Raises Refused for a flag that the stand-in does not know."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.options: dict[str, list[str]] = {}
        self.rest: list[str] = []
        words = iter(argv)
        for word in words:
            name, equals, value = word.partition("=")
            if name in _VALUED or name in _VALUED_MORE:
                self.options.setdefault(_ALIASES.get(name, name), []).append(value if equals else next(words, ""))
            elif word in _SWITCHES:
                self.options.setdefault(word, []).append("")
            elif word.startswith("-"):
                raise Refused(f"unknown flag: {name} ({VERSION_NOTICE.format(name='gh')})")
            else:
                self.rest.append(word)

    def last(self, name: str) -> str:
        return self.options.get(name, [""])[-1]


def main(argv: Sequence[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if argv[:1] in (["--version"], ["version"]):
        sys.stdout.write(f"gh version {_VERSION} ({VERSION_NOTICE.format(name='gh')})\n")
        return 0
    try:
        words = Words(argv)
        if words.last("-h") not in ("", HOST):
            raise Refused(f'Hostname "{words.last("-h")}" not found among authenticated GitHub hosts')
        match words.rest:
            case ["api", path]:
                return _api(words, path)
            case ["auth", "status"]:
                return _status(words)
            case ["auth", "refresh"]:
                return _device_login(words, "refresh")
            case ["auth", "login"]:
                return _paste() if "--with-token" in words.options else _device_login(words, "login")
            case ["auth", "token"]:
                value, _ = token()
                if not value:
                    raise Refused("no oauth token")
                sys.stdout.write(f"{value}\n")
                return 0
            case ["secret", "list"]:
                return _secrets(words)
            case ["secret", "set", name]:
                return _set_secret(words, name)
            case []:
                sys.stdout.write(f"{VERSION_NOTICE.format(name='gh')}\n\n{__doc__}\n")
                return 0
        raise Refused(f'unknown command "{" ".join(words.rest[:2])}" for "gh" ({VERSION_NOTICE.format(name="gh")})')
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _logged_in() -> str:
    value, _ = token()
    if not value:
        raise Refused(
            "To get started with GitHub CLI, please run:  gh auth login\n"
            "Alternatively, populate the GH_TOKEN environment variable with a GitHub API authentication token.",
            code=4,
        )
    return value


def _api(words: Words, path: str) -> int:
    fields: dict[str, Any] = {}
    for flag in ("-f", "--raw-field", "-F", "--field"):
        for pair in words.options.get(flag, ()):
            name, _, value = pair.partition("=")
            if flag in ("-F", "--field") and value.startswith("@"):
                value = sys.stdin.read() if value == "@-" else _file(value[1:])
            fields[name] = value
    method = words.last("-X") or ("POST" if fields else "GET")
    body = json.dumps(fields).encode() if fields else b""
    answer = ask(API, method, "/" + path.lstrip("/"), _logged_in(), body, "application/json" if body else "")
    if "-i" in words.options or "--include" in words.options:
        sys.stdout.write(f"HTTP/1.1 {answer.status} {answer.reason}\n")
        for name, value in sorted(answer.headers.items()):
            sys.stdout.write(f"{name.title()}: {value}\n")
        sys.stdout.write("\n")
    if "--silent" not in words.options:
        sys.stdout.write(_picked(answer, words.last("-q")))
    if answer.status >= 300:
        sys.stdout.flush()
        raise Refused(f"gh: {answer.json.get('message', answer.reason)} (HTTP {answer.status})")
    return 0


def _file(name: str) -> str:
    try:
        with open(name, encoding="utf-8") as stream:  # noqa: PTH123 - the name is the operator's, not ours
            return stream.read()
    except OSError as error:
        raise Refused(f"open {name}: {error.strerror}") from error


def _picked(answer: Answer, expression: str) -> str:
    """The body, or one value of it: `.a.b` is all of jq that is known here."""
    if not expression or answer.status >= 300:
        return answer.body
    value: Any = answer.json
    for key in expression.strip(".").split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return (value if isinstance(value, str) else json.dumps(value)) + "\n"


def _scopes(answer: Answer) -> list[str]:
    given = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
    return [scope.strip() for scope in given.split(",") if scope.strip()]


def _status(words: Words) -> int:
    value, source = token()
    if not value:
        raise Refused("You are not logged into any GitHub hosts. Run gh auth login to authenticate.")
    answer = ask(API, "GET", "/user", value)
    if answer.status != 200:
        raise Refused(
            f"{HOST}\n  X {HOST}: authentication failed\n  - The {HOST} token in {source} is no longer valid.\n"
            f"  - To re-authenticate, run: gh auth login -h {HOST}"
        )
    scopes = _scopes(answer)
    missing = [scope for scope in ("repo", "read:org") if scope not in scopes]
    if "read:org" in missing and {"write:org", "admin:org"} & set(scopes):
        missing.remove("read:org")
    if missing:
        raise Refused(
            f"{HOST}\n  X {HOST}: the token in {source} is missing required scope '{missing[0]}'\n"
            f"  - To request missing scopes, run: gh auth refresh -h {HOST}"
        )
    shown = value if "--show-token" in words.options else value[:4] + "*" * 36
    sys.stderr.write(
        f"{HOST}\n  ✓ Logged in to {HOST} as {answer.json['login']} ({source})\n"
        f"  ✓ Git operations for {HOST} configured to use ssh protocol.\n  ✓ Token: {shown}\n"
        f"  ✓ Token scopes: {', '.join(scopes)}\n"
    )
    return 0


def _device_login(words: Words, command: str) -> int:
    value, source = token()
    if source in ("GH_TOKEN", "GITHUB_TOKEN"):
        verb = (
            "refresh credentials stored in GitHub CLI"
            if command == "refresh"
            else "have GitHub CLI store credentials instead"
        )
        raise Refused(
            f"The value of the {source} environment variable is being used for authentication.\n"
            f"To {verb}, first clear the value from the environment."
        )
    if command == "refresh" and not value:
        raise Refused("not logged in to any hosts. Use 'gh auth login' to authenticate with a host")
    wanted = list(_MINIMUM)
    if command == "refresh":
        wanted += _scopes(ask(API, "GET", "/user", value))
    for more in words.options.get("-s", ()):
        wanted += [scope for scope in more.split(",") if scope]
    code = form("/login/device/code", scope=" ".join(dict.fromkeys(wanted)), client_id="ecotui-stand-in")
    page = f"https://{HOST}/login/device"
    sys.stderr.write(f"\n! First copy your one-time code: {code['user_code']}\n")
    if sys.stdin.isatty():
        sys.stderr.write(f"Press Enter to open {HOST} in your browser... ")
        sys.stderr.flush()
        sys.stdin.readline()
        sys.stderr.write("(the demo approves by itself)\n")
    else:
        sys.stderr.write(f"Open this URL to continue in your web browser: {page}\n")
    sys.stderr.flush()
    until = time.monotonic() + int(code["expires_in"])
    while time.monotonic() < until:
        time.sleep(int(code["interval"]))
        answer = form("/login/oauth/access_token", device_code=code["device_code"])
        if "access_token" in answer:
            login = ask(API, "GET", "/user", answer["access_token"]).json["login"]
            store(login, answer["access_token"])
            sys.stderr.write("✓ Authentication complete.\n")
            if command == "login":
                sys.stderr.write(f"✓ Logged in as {login}\n")
            return 0
        if answer.get("error") != "authorization_pending":
            raise Refused(f"failed to authenticate via web browser: {answer.get('error', 'no answer')}")
    raise Refused("failed to authenticate via web browser: the device code has expired")


def _paste() -> int:
    value = sys.stdin.readline().strip()
    answer = ask(API, "GET", "/user", value)
    if answer.status != 200:
        message = answer.json.get("message", answer.reason)
        raise Refused(f"error validating token: HTTP {answer.status}: {message} (https://{API}/)")
    scopes = _scopes(answer)
    missing = [scope for scope in ("repo", "read:org") if scope not in scopes]
    if missing:
        raise Refused(f"error validating token: missing required scope '{missing[0]}'")
    store(answer.json["login"], value)
    return 0


def _repository(words: Words) -> str:
    named = words.last("-R") or os.environ.get("GH_REPO", "")
    if not named:
        raise Refused("fatal: not a git repository (or any of the parent directories): .git")
    return named.removeprefix(f"{HOST}/")


def _secrets(words: Words) -> int:
    path = f"/repos/{_repository(words)}/actions/secrets?per_page=100"
    answer = ask(API, "GET", path, _logged_in())
    if answer.status != 200:
        message = answer.json.get("message", answer.reason)
        raise Refused(f"failed to get secrets: HTTP {answer.status}: {message} (https://{API}{path})")
    for secret in answer.json["secrets"]:
        sys.stdout.write(f"{secret['name']}\t{secret['updated_at'][:10]}\n")
    return 0


def _set_secret(words: Words, name: str) -> int:
    if "-b" not in words.options:
        sys.stdin.read()
    # The demo's GitHub keeps no value, and its private key is gone: what is sent in its place is noise.
    body = {"encrypted_value": base64.b64encode(secrets.token_bytes(48)).decode(), "key_id": "1"}
    path = f"/repos/{_repository(words)}/actions/secrets/{name}"
    answer = ask(API, "PUT", path, _logged_in(), json.dumps(body).encode(), "application/json")
    if answer.status not in (201, 204):
        message = answer.json.get("message", answer.reason)
        raise Refused(f'failed to set secret "{name}": HTTP {answer.status}: {message} (https://{API}{path})')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
