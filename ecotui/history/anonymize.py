"""Masks exports: secrets once more, and on request account ids, ARNs, addresses, user and host names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from ecotui.session import events
from ecotui.session.log import Session

MaskText = Callable[[str], str]

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
_ARN = re.compile(r"\barn:aws[\w-]*:[^\s\"'<>,;)\]}]+")
_HOST = re.compile(r"\b(?:ip|ec2)-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w-]+)*")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])")
_HOME_USER = re.compile(r"(?<=/home/)[^/\s\"':]+|(?<=/Users/)[^/\s\"':]+")
_USER_AT_HOST = re.compile(r"(?P<user>[^@\s]+)@(?P<host>\S+)")


class Anonymizer:
    """Masks account ids, ARNs, addresses, user and host names. The same value gets the same placeholder throughout."""

    def __init__(self, records: Iterable[events.EventRecord]) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        users: set[str] = set()
        hosts: set[str] = set()
        for record in records:
            by = getattr(record.event, "by", "")
            if operator := _USER_AT_HOST.match(by if isinstance(by, str) else ""):
                users.add(operator["user"])
                hosts.add(operator["host"])
        self._name_patterns = [("host", _names_pattern(hosts)), ("user", _names_pattern(users))]

    def __call__(self, text: str) -> str:
        text = _ARN.sub(lambda match: self._placeholder_for("arn", match[0]), text)
        text = _HOST.sub(lambda match: self._placeholder_for("host", match[0]), text)
        text = _ADDRESS.sub(self._replace_address, text)
        text = _ACCOUNT.sub(lambda match: self._placeholder_for("account", match[0]), text)
        text = _HOME_USER.sub(lambda match: self._placeholder_for("user", match[0]), text)
        for kind, pattern in self._name_patterns:
            if pattern is not None:
                text = pattern.sub(self._replace_name(kind), text)
        return text

    def _replace_name(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda match: self._placeholder_for(kind, match[0])

    def _replace_address(self, match: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(match[0])
        except ValueError:  # a time of day, a version
            return match[0]
        return self._placeholder_for("ip", match[0])

    def _placeholder_for(self, kind: str, value: str) -> str:
        if value.startswith("«"):
            return value
        number = 1 + sum(known == kind for known, _ in self._placeholders)
        return self._placeholders.setdefault((kind, value), f"«{kind}:{number}»")


def _names_pattern(names: set[str]) -> re.Pattern[str] | None:
    if not names:
        return None
    alternatives = sorted((re.escape(name) for name in names), key=len, reverse=True)
    return re.compile(rf"(?<![\w«])(?:{'|'.join(alternatives)})(?![\w»])")


def mask_for_export(session: Session, *, anonymize: bool) -> MaskText:
    """The function that masks every text of an export. Raises SessionError when the log cannot be read."""
    if not anonymize:
        return session.redactor.redact
    stricter = Anonymizer(session.read_records())
    return lambda text: stricter(session.redactor.redact(text))


def mask_all(plain: Any, mask: MaskText) -> Any:
    """Mask all strings in lists and dicts, keys too."""
    if isinstance(plain, str):
        return mask(plain)
    if isinstance(plain, dict):
        return {mask_all(key, mask): mask_all(value, mask) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [mask_all(value, mask) for value in plain]
    return plain
