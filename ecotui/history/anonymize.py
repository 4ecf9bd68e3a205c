"""What leaves the machine is masked again; on request also what tells whose machine and account it was."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from ecotui.session import events
from ecotui.session.log import Session

Clean = Callable[[str], str]

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
_ARN = re.compile(r"\barn:aws[\w-]*:[^\s\"'<>,;)\]}]+")
_HOST = re.compile(r"\b(?:ip|ec2)-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w-]+)*")
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])"
)
_HOME = re.compile(r"(?<=/home/)[^/\s\"':]+|(?<=/Users/)[^/\s\"':]+")
_WHO = re.compile(r"(?P<user>[^@\s]+)@(?P<host>\S+)")


class Strict:
    """Masks account ids, ARNs, addresses, user and host names; the same one is the same word throughout."""

    def __init__(self, records: Iterable[events.Record]) -> None:
        self._given: dict[tuple[str, str], str] = {}
        users: set[str] = set()
        hosts: set[str] = set()
        for record in records:
            by = getattr(record.event, "by", "")
            if who := _WHO.match(by if isinstance(by, str) else ""):
                users.add(who["user"])
                hosts.add(who["host"])
        self._names = [("host", _words(hosts)), ("user", _words(users))]

    def __call__(self, text: str) -> str:
        text = _ARN.sub(lambda found: self._word("arn", found[0]), text)
        text = _HOST.sub(lambda found: self._word("host", found[0]), text)
        text = _ADDRESS.sub(self._address, text)
        text = _ACCOUNT.sub(lambda found: self._word("account", found[0]), text)
        text = _HOME.sub(lambda found: self._word("user", found[0]), text)
        for kind, pattern in self._names:
            if pattern is not None:
                text = pattern.sub(self._named(kind), text)
        return text

    def _named(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: self._word(kind, found[0])

    def _address(self, found: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(found[0])
        except ValueError:  # a time of day, a version
            return found[0]
        return self._word("ip", found[0])

    def _word(self, kind: str, value: str) -> str:
        if value.startswith("«"):
            return value
        number = 1 + sum(known == kind for known, _ in self._given)
        return self._given.setdefault((kind, value), f"«{kind}:{number}»")


def _words(names: set[str]) -> re.Pattern[str] | None:
    if not names:
        return None
    longest = sorted((re.escape(name) for name in names), key=len, reverse=True)
    return re.compile(rf"(?<![\w«])(?:{'|'.join(longest)})(?![\w»])")


def cleaner(session: Session, *, strict: bool) -> Clean:
    """What every text of an export goes through. Raises SessionError when the log cannot be read."""
    if not strict:
        return session.redactor.redact
    stricter = Strict(session.records())
    return lambda text: stricter(session.redactor.redact(text))


def everywhere(plain: Any, clean: Clean) -> Any:
    """The same for all strings in lists and dicts, keys too."""
    if isinstance(plain, str):
        return clean(plain)
    if isinstance(plain, dict):
        return {everywhere(key, clean): everywhere(value, clean) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [everywhere(value, clean) for value in plain]
    return plain
