"""Reads the `-json` stream of terraform apply, line by line: what is done, what runs, what failed. Pure; has no clock.

Totals come from the plan, not from the stream: `terraform apply PLANFILE` does not promise any. A replacement is two
operations at one address, and counts as done when both are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from checks.apply.durations import DurationStats
from checks.finding import FrozenStruct
from checks.sanitize import one_line, sanitize
from checks.tools.terraform_crash import Crash, CrashDetector
from checks.tools.terraform_errors import Diagnostic, diagnostic_from_json

_MAX_LINES = 500
"""The last lines of provisioners, and of text that is not JSON, that are kept; the log has all of them."""


class RunningOperation(FrozenStruct, frozen=True):
    """A resource that terraform works on now."""

    address: str
    action: str
    started_at: float
    """Seconds since the epoch, by terraform's own clock."""
    elapsed: float = 0.0
    """Seconds, as terraform last reported."""
    note: str = ""
    """The last line of its provisioner."""


class FinishedOperation(FrozenStruct, frozen=True):
    """An operation that is complete, or failed."""

    address: str
    action: str
    duration: float
    ended_at: float
    id: str = ""
    started_at: float = 0.0
    """Seconds since the epoch, by terraform's own clock, as `ended_at`; `duration` is rounded by terraform."""


class GuideExplanation(FrozenStruct, frozen=True):
    """An entry of the guide that explains an error of the run."""

    entry: str
    title: str
    error: int = 0
    """Which of `errors`."""


class ApplyProgress(FrozenStruct, frozen=True):
    """A snapshot of a run. Operations are in the order in which they started."""

    total_count: int
    done_count: int
    failed_count: int
    running_operations: tuple[RunningOperation, ...] = ()
    finished_operations: tuple[FinishedOperation, ...] = ()
    failed_operations: tuple[FinishedOperation, ...] = ()
    """What failed, with the time that it took until then."""
    errors: tuple[Diagnostic, ...] = ()
    outputs: dict[str, Any] = msgspec.field(default_factory=dict)
    """By name; sensitive ones without their value."""
    provisioner_lines: tuple[str, ...] = ()
    """The last lines of provisioners, each with its address."""
    other_lines: tuple[str, ...] = ()
    """The last lines that were not JSON."""
    crash: Crash | None = None
    """Of a provider, or of terraform; it is one of the errors, for all that terraform reports of it."""
    summary: str = ""
    """terraform's closing line; empty until it came."""
    is_complete: bool = False
    started_at: float = 0.0
    last_line_at: float = 0.0
    """The time of the last line with one."""
    durations: DurationStats = DurationStats()
    """The typical durations that `ecotui apply` wrote into the stream."""
    explanations: tuple[GuideExplanation, ...] = ()
    """What the guide says about the errors."""


class _Resource(msgspec.Struct):
    addr: str = ""


class _Hook(msgspec.Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""
    elapsed_seconds: float = 0.0
    id_value: str | None = None
    output: str = ""


class _ChangeLine(msgspec.Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""


class _StreamLine(msgspec.Struct):
    type: str = ""
    message: str = msgspec.field(default="", name="@message")
    timestamp: str = msgspec.field(default="", name="@timestamp")
    hook: _Hook | None = None
    change: _ChangeLine | None = None
    diagnostic: dict[str, Any] | None = None
    outputs: dict[str, dict[str, Any]] | None = None
    changes: dict[str, Any] | None = None
    usual: DurationStats | None = None
    """Written by `ecotui apply`, not by terraform; `explained` too."""
    explained: tuple[GuideExplanation, ...] = ()


_CRASH_PLACEHOLDER = Diagnostic(severity="error", summary="crash")
"""Stands for the crash among the errors, until a snapshot is taken."""
_DECODER = msgspec.json.Decoder(_StreamLine)


_COMPLETE_MARKER = b'"apply_complete"'
"""Part of every line with a duration: the others are not decoded."""


def read_completed(line: bytes) -> tuple[str, str, float] | None:
    """Address, action and seconds of a line that completes an operation; None for any other. Never raises."""
    if _COMPLETE_MARKER not in line:
        return None
    try:
        hook = _DECODER.decode(line).hook
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if hook is None or hook.action == "read" or not hook.resource.addr:
        return None
    return hook.resource.addr, hook.action, hook.elapsed_seconds


class ApplyStreamReader:
    """Takes lines as they come; `snapshot` gives the progress. About 200,000 lines a second."""

    def __init__(self, operations: Mapping[str, int] | None = None) -> None:
        """`operations`: how many operations each address takes (`Plan.operations`); None when there is no plan."""
        self._remaining_operations = dict(operations or {})
        self._has_plan = bool(self._remaining_operations)
        self._total = len(self._remaining_operations)
        self._done = 0
        self._running: dict[tuple[str, str], RunningOperation] = {}
        self._finished: list[FinishedOperation] = []
        self._failed_operations: list[FinishedOperation] = []
        self._failed_addresses: dict[str, None] = {}
        self._durations = DurationStats()
        self._explanations: dict[GuideExplanation, None] = {}
        self._errors: dict[Diagnostic, None] = {}
        self._outputs: dict[str, Any] = {}
        self._provisioner_lines: list[str] = []
        self._other_lines: list[str] = []
        self._crash_detector = CrashDetector()
        self._summary = ""
        self._complete = False
        self._started = 0.0
        self._last_timestamp = ""
        self.line_count = 0
        """How many lines were read."""

    def feed(self, lines: Iterable[str]) -> None:
        """Take lines, in order; whole ones. Nothing in them is trusted, and nothing makes this raise."""
        for line in lines:
            self.line_count += 1
            self._read_line(line)

    def snapshot(self) -> ApplyProgress:
        crash = self._crash_detector.crash
        return ApplyProgress(
            crash=crash,
            total_count=self._total,
            done_count=self._done,
            failed_count=len(self._failed_addresses),
            running_operations=tuple(self._running.values()),
            finished_operations=tuple(self._finished),
            failed_operations=tuple(self._failed_operations),
            errors=tuple(crash.diagnostic if crash and one is _CRASH_PLACEHOLDER else one for one in self._errors),
            outputs=dict(self._outputs),
            provisioner_lines=tuple(self._provisioner_lines[-_MAX_LINES:]),
            other_lines=tuple(self._other_lines[-_MAX_LINES:]),
            summary=self._summary,
            is_complete=self._complete,
            started_at=self._started,
            last_line_at=_parse_timestamp(self._last_timestamp),
            durations=self._durations,
            explanations=tuple(self._explanations),
        )

    def _read_line(self, text: str) -> None:
        if not text.startswith("{"):
            if self._crash_detector.add_line(text):
                self._errors[_CRASH_PLACEHOLDER] = None
            if text.strip():
                _append_limited(self._other_lines, sanitize(text.rstrip("\n"), limit=2000))
            return
        try:
            line = _DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            _append_limited(self._other_lines, sanitize(text.rstrip("\n"), limit=2000))
            return
        if line.timestamp:
            self._last_timestamp = line.timestamp
            self._started = self._started or _parse_timestamp(line.timestamp)
        match line.type:
            case "apply_start" | "apply_progress" | "apply_complete" | "apply_errored":
                # A data source is read by the same hooks; it is nothing that the plan counts.
                if line.hook and line.hook.action != "read":
                    self._read_resource_hook(line.type, line.hook)
            case "provision_start" | "provision_progress" | "provision_complete" | "provision_errored":
                if line.hook:
                    self._read_provisioner_hook(line.hook, line.message)
            case "planned_change":
                if line.change and not self._has_plan and line.change.action not in ("read", "noop"):
                    address = one_line(line.change.resource.addr, limit=1000)
                    self._remaining_operations[address] = 2 if line.change.action == "replace" else 1
                    self._total = len(self._remaining_operations)
            case "diagnostic":
                if line.diagnostic:
                    one = diagnostic_from_json(line.diagnostic)
                    if self._crash_detector.add_diagnostic(one):
                        one = _CRASH_PLACEHOLDER
                    if one.is_error:
                        self._errors[one] = None
            case "outputs":
                for name, output in (line.outputs or {}).items():
                    if not output.get("sensitive") and "value" in output:
                        self._outputs[one_line(name)] = output["value"]
                    elif output.get("sensitive") and "action" not in output:
                        self._outputs[one_line(name)] = "(sensitive)"
            case "change_summary":
                if (line.changes or {}).get("operation") in ("apply", "destroy"):
                    self._summary, self._complete = one_line(line.message), True
            case "ecotui":
                self._durations = line.usual or self._durations
                self._explanations.update(dict.fromkeys(line.explained))

    def _read_resource_hook(self, kind: str, hook: _Hook) -> None:
        address, action = one_line(hook.resource.addr, limit=1000), one_line(hook.action)
        key = (address, action)
        if kind == "apply_start":
            self._running[key] = RunningOperation(
                address=address, action=action, started_at=_parse_timestamp(self._last_timestamp)
            )
            return
        if kind == "apply_progress":
            before = self._running.get(key) or RunningOperation(
                address=address,
                action=action,
                started_at=_parse_timestamp(self._last_timestamp) - hook.elapsed_seconds,
            )
            self._running[key] = msgspec.structs.replace(before, elapsed=hook.elapsed_seconds)
            return
        row = self._running.pop(key, None)
        ended = _parse_timestamp(self._last_timestamp)
        done = FinishedOperation(
            address=address,
            action=action,
            duration=hook.elapsed_seconds,
            ended_at=ended,
            id=one_line(hook.id_value or ""),
            started_at=row.started_at if row else ended - hook.elapsed_seconds,
        )
        if kind == "apply_errored":
            self._failed_addresses[address] = None
            self._failed_operations.append(done)
            return
        self._finished.append(done)
        left = self._remaining_operations.get(address)
        if left is None:
            self._total += not self._has_plan
            self._done += not self._has_plan
        elif left > 0:
            self._remaining_operations[address] = left - 1
            self._done += left == 1

    def _read_provisioner_hook(self, hook: _Hook, message: str) -> None:
        address = one_line(hook.resource.addr, limit=1000)
        text = one_line(hook.output or message, limit=2000)
        _append_limited(self._provisioner_lines, f"{address}: {text}" if hook.output else text)
        for key, row in self._running.items():
            if key[0] == address:
                self._running[key] = msgspec.structs.replace(row, note=one_line(hook.output, limit=200))


def _append_limited(lines: list[str], line: str) -> None:
    lines.append(line)
    if len(lines) > 2 * _MAX_LINES:
        del lines[:-_MAX_LINES]


def _parse_timestamp(stamp: str) -> float:
    """`2026-11-23T22:37:17.253159Z` as seconds since the epoch; 0.0 for anything else."""
    try:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
