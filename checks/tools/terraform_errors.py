"""Parses terraform's errors and warnings, and finds the guide entries that explain them. Pure.

terraform prints them in three ways: JSON lines (`plan -json`), one JSON document (`validate -json`), and text for
people on stderr (no boxes are drawn without colour). All three become `Diagnostic`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from checks.finding import FrozenStruct
from checks.sanitize import sanitize


class Diagnostic(FrozenStruct, frozen=True):
    severity: str
    """`error` or `warning`."""
    summary: str
    detail: str = ""
    address: str = ""
    """The resource that it is about."""
    filename: str = ""
    """Relative to the folder of the root module."""
    line: int = 0
    code: str = ""
    """The line of the configuration, where terraform quoted it."""

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    @property
    def location(self) -> str:
        """`cloudfront.tf:152`, or nothing."""
        return f"{self.filename}:{self.line}" if self.filename else ""

    @property
    def text(self) -> str:
        head = f"{'Error' if self.is_error else 'Warning'}: {self.summary}"
        where = f"  on {self.filename} line {self.line}" if self.filename else ""
        return "\n".join(part for part in (head, where, self.detail) if part)


class StateLock(FrozenStruct, frozen=True):
    """The lock of the state and its holder. Times as terraform writes them."""

    id: str
    who: str = ""
    operation: str = ""
    created: str = ""
    path: str = ""
    version: str = ""
    alive: bool | None = None
    """Whether the holder still runs; None when that cannot be known from this machine."""
    pid: int = 0
    """The holder's process, where it runs on this machine."""
    where: str = ""
    """The kind of backend: `local`, `s3`; empty when it is known from terraform's refusal only."""

    @property
    def sentence(self) -> str:
        operation = self.operation.removeprefix("OperationType").lower() or "an operation"
        since = f" since {self.created.partition('.')[0]} UTC" if self.created else ""
        return f"The state is locked by {self.who or 'somebody'} for {operation}{since} (lock {self.id})"

    @property
    def holder_status(self) -> str:
        """Whether the holder still runs, in words."""
        if self.alive:
            return "that process is running" + (f" here, as {self.pid}" if self.pid else "")
        if self.alive is False:
            return "no such process runs on this machine any more"
        return "whether that process still runs cannot be known from here"


def parse_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Every diagnostic in an output of terraform, in any of its three ways, each once."""
    found = list(_parse_json(text)) if text.lstrip().startswith("{") else []
    return tuple(dict.fromkeys(found or _parse_text(text)))


def diagnostic_from_json(node: dict[str, Any]) -> Diagnostic:
    """One diagnostic object of terraform's JSON."""

    def text(value: object) -> str:
        return sanitize(str(value or ""), limit=20_000)

    span: dict[str, Any] = node.get("range") or {}
    snippet: dict[str, Any] = node.get("snippet") or {}
    line = (span.get("start") or {}).get("line") or 0
    return Diagnostic(
        severity=text(node.get("severity")) or "error",
        summary=text(node.get("summary")),
        detail=text(node.get("detail")),
        address=text(node.get("address")),
        filename=text(span.get("filename")),
        line=line if isinstance(line, int) else 0,
        code=text(snippet.get("code")).strip(),
    )


def _parse_json(text: str) -> Iterable[Diagnostic]:
    try:
        whole = msgspec.json.decode(text)
    except msgspec.DecodeError:
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("diagnostics"), list):
        yield from (diagnostic_from_json(node) for node in whole["diagnostics"] if isinstance(node, dict))
        return
    for line in text.splitlines():
        if '"diagnostic"' not in line:
            continue
        try:
            node = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(node, dict) and isinstance(node.get("diagnostic"), dict):
            yield diagnostic_from_json(node["diagnostic"])


_HEADING = re.compile(r"^(Error|Warning): (.*)$", re.MULTILINE)
_WITH_ADDRESS = re.compile(r"^ {2}with (.+?),?$", re.MULTILINE)
_FILE_AND_LINE = re.compile(r"^ {2}on (\S+) line (\d+)", re.MULTILINE)
_CODE_LINE = re.compile(r"^ *(\d+): (.*)$", re.MULTILINE)


def _parse_text(text: str) -> Iterable[Diagnostic]:
    text = re.sub(r"^[│╷╵] ?", "", sanitize(text), flags=re.MULTILINE)
    heads = list(_HEADING.finditer(text))
    for head, after in zip(heads, [*heads[1:], None], strict=False):
        body = text[head.end() : after.start() if after else len(text)]
        address, position, code = _WITH_ADDRESS.search(body), _FILE_AND_LINE.search(body), _CODE_LINE.search(body)
        rest = "\n".join(
            line
            for line in body.splitlines()
            if not (_WITH_ADDRESS.match(line) or _FILE_AND_LINE.match(line) or _CODE_LINE.match(line))
        )
        yield Diagnostic(
            severity="error" if head[1] == "Error" else "warning",
            summary=head[2].strip(),
            detail=rest.strip(),
            address=address[1] if address else "",
            filename=position[1] if position else "",
            line=int(position[2]) if position else 0,
            code=code[2].strip() if code else "",
        )


_LOCK_FIELD = re.compile(r"^ *(ID|Path|Operation|Who|Version|Created):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def find_state_lock(diagnostics: Iterable[Diagnostic]) -> StateLock | None:
    """The lock that an operation ran into, if it did."""
    for one in diagnostics:
        if "acquiring the state lock" not in one.summary:
            continue
        fields = {key.lower(): value for key, value in _LOCK_FIELD.findall(one.detail)}
        if fields.get("id"):
            return StateLock(
                id=fields["id"],
                **{key: fields[key] for key in ("who", "operation", "created", "path", "version") if key in fields},
            )
        return StateLock(id="unknown")
    return None


# The entries of the guide's first chapter, by the summary that terraform gives each of them.
_GUIDE_ENTRIES = (
    (re.compile(r'^Duplicate (resource|data) ".*" configuration'), "1.1"),
    (re.compile(r"^Provider configuration not present"), "1.2"),
    (re.compile(r"^Reference to undeclared resource"), "1.3"),
    (re.compile(r"^Missing resource instance key"), "1.4"),
    (re.compile(r"^No configuration files"), "1.6"),
)


def guide_entries_for_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    """The guide's entries that explain these, most severe diagnostics first, each once."""
    found: dict[str, None] = {}
    for one in sorted(diagnostics, key=lambda each: not each.is_error):
        for pattern, entry in _GUIDE_ENTRIES:
            if pattern.search(one.summary):
                found[entry] = None
        if "Invalid Attribute Combination" in one.summary and "filter" in one.detail and "prefix" in one.detail:
            found["1.5"] = None
    return tuple(found)


_INIT_REQUIRED_SUMMARIES = (
    "Missing required provider",
    "Required plugins are not installed",
    "Could not load plugin",
    "Backend initialization required",
    "Module not installed",
    "Inconsistent dependency lock file",
    "Failed to load plugin schemas",
    "Initialization required",
)


def needs_init(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether `terraform init` is what is missing: every error is one that init cures."""
    errors = [one for one in diagnostics if one.is_error]
    return bool(errors) and all(
        any(one.summary.startswith(start) for start in _INIT_REQUIRED_SUMMARIES) for one in errors
    )
