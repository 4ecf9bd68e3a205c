"""One question to the DNS: who serves a zone, where a name points. Asked of this machine's resolver, over UDP (RFC 1035)."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

RECORD_TYPES = {"NS": 2, "CNAME": 5}
DNS_TIMEOUT = 2.0
"""Seconds for an answer; a resolver that takes longer is of no use to somebody who waits."""
_NO_SUCH_NAME = 3
_MAX_ANSWER_BYTES = 4096
_MAX_POINTERS = 32
"""Compression pointers that are followed in one name; more is a circle."""


class DnsError(Exception):
    """There was no answer, or none that can be read; the message says why."""


def query_dns(
    name: str, record_type: str, server: tuple[str, int] | None = None, timeout: float = DNS_TIMEOUT
) -> tuple[str, ...]:
    """The records of this kind, in small letters and without the last dot; empty when there are none.

    `server` is an address and a port; without one the resolver of this machine is asked. Raises DnsFailed.
    """
    where = server or system_resolver()
    number = secrets.randbelow(1 << 16)
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as wire:
            wire.settimeout(timeout)
            wire.connect(where)
            wire.send(_encode_query(number, name, RECORD_TYPES[record_type]))
            answer = wire.recv(_MAX_ANSWER_BYTES)
    except OSError as error:
        raise DnsError(f"the resolver {where[0]} does not answer ({error})") from None
    try:
        return _decode_answers(answer, number, RECORD_TYPES[record_type])
    except (IndexError, struct.error, UnicodeDecodeError):
        raise DnsError(f"the resolver {where[0]} gave an answer that cannot be read") from None


def system_resolver(file: Path = Path("/etc/resolv.conf")) -> tuple[str, int]:
    """The first resolver of this machine (resolv.conf(5)). Raises DnsFailed."""
    try:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                return words[1].partition("%")[0], 53
    except OSError as error:
        raise DnsError(f"{file} cannot be read ({error.strerror})") from None
    raise DnsError(f"{file} names no resolver")


def configured_resolver(env: Mapping[str, str]) -> tuple[str, int] | None:
    """The resolver that ECOTUI_DNS=ADDRESS:PORT names; None for this machine's."""
    address, _, port = env.get("ECOTUI_DNS", "").rpartition(":")
    return (address, int(port)) if address and port.isdigit() else None


def local_aws_host(env: Mapping[str, str]) -> str:
    """The host that plays AWS, when it is on this machine: what it holds is in nobody's DNS."""
    if env.get("ECOTUI_DNS"):
        return ""
    host = urlsplit(env.get("AWS_ENDPOINT_URL", "")).hostname or ""
    return host if host in ("localhost", "127.0.0.1", "::1") else ""


def _encode_query(number: int, name: str, kind: int) -> bytes:
    labels = [label.encode("ascii", "replace") for label in name.rstrip(".").split(".")]
    if any(not 0 < len(label) < 64 for label in labels):
        raise DnsError(f"{name} is no name of the DNS")
    asked = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    # Recursion desired, one question, class IN.
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + asked + struct.pack(">2H", kind, 1)


def _decode_answers(data: bytes, number: int, kind: int) -> tuple[str, ...]:
    seen, flags, questions, answers = struct.unpack_from(">4H", data)
    code = flags & 0xF
    if seen != number or not flags & 0x8000:
        raise DnsError("the answer is to another question")
    if code == _NO_SUCH_NAME:
        return ()
    if code:
        raise DnsError(f"the resolver could not find it out (code {code})")
    place = 12
    for _ in range(questions):
        place = _decode_name(data, place)[1] + 4
    found = []
    for _ in range(answers):
        _, place = _decode_name(data, place)
        this, _, _, length = struct.unpack_from(">2HIH", data, place)
        place += 10
        if this == kind:
            found.append(_decode_name(data, place)[0])
        place += length
    return tuple(sorted(found))


def _decode_name(data: bytes, offset: int) -> tuple[str, int]:
    """The name that begins here, and where what follows it begins."""
    labels: list[str] = []
    after = -1
    for _ in range(256 + _MAX_POINTERS):
        length = data[offset]
        if length & 0xC0:
            if after < 0:
                after = offset + 2
            offset = int(struct.unpack_from(">H", data, offset)[0]) & 0x3FFF
        elif length:
            labels.append(data[offset + 1 : offset + 1 + length].decode("ascii").lower())
            offset += 1 + length
        else:
            return ".".join(labels), after if after >= 0 else offset + 1
    raise IndexError("a circle of pointers")
