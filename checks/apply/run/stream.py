"""terraform's `-json` stream, followed line by line: what is done, what runs, what failed. Pure; no clock of its own.

Totals come from the plan, not from the stream: `terraform apply PLANFILE` does not promise any. A replacement is two
operations at one address, and counts as done when both are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from checks.apply.run.durations import Times
from checks.finding import Value
from checks.sanitize import one_line, sanitize
from checks.tools.terraform_crash import Crash, Watch
from checks.tools.terraform_errors import Diagnostic, of_json

_KEPT_LINES = 500
"""Lines of provisioners' output and of text that is not JSON, each: the last ones are kept; the log has them all."""


class Running(Value, frozen=True):
    """A resource that terraform works on now."""

    address: str
    action: str
    started: float
    """Seconds since the epoch, by terraform's own clock."""
    elapsed: float = 0.0
    """Seconds, as terraform last said."""
    note: str = ""
    """What its provisioner said last."""


class Done(Value, frozen=True):
    address: str
    action: str
    seconds: float
    ended: float
    id: str = ""
    started: float = 0.0
    """Seconds since the epoch, by terraform's own clock, as `ended`; `seconds` is rounded by terraform."""


class Explained(Value, frozen=True):
    """An entry of the guide that explains an error of the run."""

    entry: str
    title: str
    error: int = 0
    """Which of `errors`."""


class ApplyProgress(Value, frozen=True):
    """A moment of a run, for a screen. Rows are in the order in which they started."""

    total: int
    done: int
    failed: int
    running: tuple[Running, ...] = ()
    finished: tuple[Done, ...] = ()
    broken: tuple[Done, ...] = ()
    """What failed, with the time that it took until then."""
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    outputs: dict[str, Any] = msgspec.field(default_factory=dict)
    """By name; sensitive ones without their value."""
    drift: tuple[str, ...] = ()
    provision: tuple[str, ...] = ()
    """The last lines of provisioners, each with its address."""
    other: tuple[str, ...] = ()
    """The last lines that were not JSON."""
    crash: Crash | None = None
    """Of a provider, or of terraform; stands once among the errors, for all that terraform reports of it."""
    summary: str = ""
    """terraform's closing line; empty until it came."""
    complete: bool = False
    version: str = ""
    started: float = 0.0
    last: float = 0.0
    """The time of the last line with one."""
    usual: Times = Times()
    """What earlier runs tell about the times of this one, as `ecotui apply` found it."""
    explained: tuple[Explained, ...] = ()
    """What the guide says about the errors."""

    @property
    def elapsed(self) -> float:
        return max(0.0, self.last - self.started) if self.started else 0.0


class _Resource(msgspec.Struct):
    addr: str = ""


class _Hook(msgspec.Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""
    elapsed_seconds: float = 0.0
    id_value: str | None = None
    output: str = ""


class _Moved(msgspec.Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""


class _Line(msgspec.Struct):
    type: str = ""
    message: str = msgspec.field(default="", name="@message")
    timestamp: str = msgspec.field(default="", name="@timestamp")
    hook: _Hook | None = None
    change: _Moved | None = None
    diagnostic: dict[str, Any] | None = None
    outputs: dict[str, dict[str, Any]] | None = None
    changes: dict[str, Any] | None = None
    terraform: str = ""
    usual: Times | None = None
    """Said by `ecotui apply`, not by terraform; `explained` too."""
    explained: tuple[Explained, ...] = ()


_CRASH = Diagnostic(severity="error", summary="crash")
"""Holds the crash's place among the errors until the moment in which it is told."""
_DECODER = msgspec.json.Decoder(_Line)


class Progress:
    """Fed with lines as they come; `snapshot` gives the moment. About 200,000 lines a second."""

    def __init__(self, operations: Mapping[str, int] | None = None) -> None:
        """`operations`: how many operations each address takes (`Plan.operations`); None when there is no plan."""
        self._left = dict(operations or {})
        self._planned = bool(self._left)
        self._total = len(self._left)
        self._done = 0
        self._running: dict[tuple[str, str], Running] = {}
        self._finished: list[Done] = []
        self._broken: list[Done] = []
        self._failed: dict[str, None] = {}
        self._usual = Times()
        self._explained: dict[Explained, None] = {}
        self._errors: dict[Diagnostic, None] = {}
        self._warnings: dict[Diagnostic, None] = {}
        self._outputs: dict[str, Any] = {}
        self._drift: dict[str, None] = {}
        self._provision: list[str] = []
        self._other: list[str] = []
        self._watch = Watch()
        self._summary = ""
        self._complete = False
        self._version = ""
        self._started = 0.0
        self._stamp = ""
        self.lines = 0
        """How many lines were fed."""

    def feed(self, lines: Iterable[str]) -> None:
        """Take lines, in order; whole ones. Nothing in them is trusted, and nothing makes this raise."""
        for line in lines:
            self.lines += 1
            self._take(line)

    def snapshot(self) -> ApplyProgress:
        crash = self._watch.crash
        return ApplyProgress(
            crash=crash,
            total=self._total,
            done=self._done,
            failed=len(self._failed),
            running=tuple(self._running.values()),
            finished=tuple(self._finished),
            broken=tuple(self._broken),
            errors=tuple(crash.diagnostic if crash and one is _CRASH else one for one in self._errors),
            warnings=tuple(self._warnings),
            outputs=dict(self._outputs),
            drift=tuple(self._drift),
            provision=tuple(self._provision[-_KEPT_LINES:]),
            other=tuple(self._other[-_KEPT_LINES:]),
            summary=self._summary,
            complete=self._complete,
            version=self._version,
            started=self._started,
            last=_seconds(self._stamp),
            usual=self._usual,
            explained=tuple(self._explained),
        )

    def _take(self, text: str) -> None:
        if not text.startswith("{"):
            if self._watch.line(text):
                self._errors[_CRASH] = None
            if text.strip():
                _keep(self._other, sanitize(text.rstrip("\n"), limit=2000))
            return
        try:
            line = _DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            _keep(self._other, sanitize(text.rstrip("\n"), limit=2000))
            return
        if line.timestamp:
            self._stamp = line.timestamp
            self._started = self._started or _seconds(line.timestamp)
        match line.type:
            case "apply_start" | "apply_progress" | "apply_complete" | "apply_errored":
                # A data source is read by the same hooks; it is nothing that the plan counts.
                if line.hook and line.hook.action != "read":
                    self._resource(line.type, line.hook)
            case "provision_start" | "provision_progress" | "provision_complete" | "provision_errored":
                if line.hook:
                    self._provisioner(line.hook, line.message)
            case "planned_change":
                if line.change and not self._planned and line.change.action not in ("read", "noop"):
                    address = one_line(line.change.resource.addr, limit=1000)
                    self._left[address] = 2 if line.change.action == "replace" else 1
                    self._total = len(self._left)
            case "resource_drift":
                if line.change:
                    address = one_line(line.change.resource.addr, limit=1000)
                    self._drift[f"{address}: {one_line(line.change.action)}"] = None
            case "diagnostic":
                if line.diagnostic:
                    one = of_json(line.diagnostic)
                    if self._watch.diagnostic(one):
                        one = _CRASH
                    (self._errors if one.is_error else self._warnings)[one] = None
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
                self._usual = line.usual or self._usual
                self._explained.update(dict.fromkeys(line.explained))
            case "version":
                self._version = one_line(line.terraform)

    def _resource(self, kind: str, hook: _Hook) -> None:
        address, action = one_line(hook.resource.addr, limit=1000), one_line(hook.action)
        key = (address, action)
        if kind == "apply_start":
            self._running[key] = Running(address=address, action=action, started=_seconds(self._stamp))
            return
        if kind == "apply_progress":
            before = self._running.get(key)
            self._running[key] = Running(
                address=address,
                action=action,
                started=before.started if before else _seconds(self._stamp) - hook.elapsed_seconds,
                elapsed=hook.elapsed_seconds,
                note=before.note if before else "",
            )
            return
        row = self._running.pop(key, None)
        ended = _seconds(self._stamp)
        done = Done(
            address=address,
            action=action,
            seconds=hook.elapsed_seconds,
            ended=ended,
            id=one_line(hook.id_value or ""),
            started=row.started if row else ended - hook.elapsed_seconds,
        )
        if kind == "apply_errored":
            self._failed[address] = None
            self._broken.append(done)
            return
        self._finished.append(done)
        left = self._left.get(address)
        if left is None:
            self._total += not self._planned
            self._done += not self._planned
        elif left > 0:
            self._left[address] = left - 1
            self._done += left == 1

    def _provisioner(self, hook: _Hook, message: str) -> None:
        address = one_line(hook.resource.addr, limit=1000)
        said = one_line(hook.output or message, limit=2000)
        _keep(self._provision, f"{address}: {said}" if hook.output else said)
        for key, row in self._running.items():
            if key[0] == address:
                self._running[key] = msgspec.structs.replace(row, note=one_line(hook.output, limit=200))


def _keep(lines: list[str], line: str) -> None:
    lines.append(line)
    if len(lines) > 2 * _KEPT_LINES:
        del lines[:-_KEPT_LINES]


def _seconds(stamp: str) -> float:
    """`2026-11-23T22:37:17.253159Z` as seconds since the epoch; 0.0 for anything else."""
    try:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
