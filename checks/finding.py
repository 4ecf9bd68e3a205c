"""The types that every step speaks: findings, the facts in them, and the fixes that they offer.

All of them are immutable and encode to JSON; the shape of a finding is a public contract
(`ecotui check --json`, schema `ecotui.check/1`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec


class CheckState(StrEnum):
    """The result of a check. Only `ok` lets the rebuild go on without a question."""

    OK = "ok"
    WARN = "warn"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    """Could not be checked; never shown as green."""
    SKIPPED = "skipped"
    """Does not apply here, or waits for an earlier step."""


STATE_ICONS = {
    CheckState.OK: "✓",
    CheckState.WARN: "!",
    CheckState.BLOCKED: "✗",
    CheckState.UNKNOWN: "?",
    CheckState.SKIPPED: "·",
}
"""One sign a state, of one cell, so that colour alone tells nothing."""
_WORST_FIRST = (CheckState.BLOCKED, CheckState.UNKNOWN, CheckState.WARN, CheckState.OK, CheckState.SKIPPED)


def worst_state(states: Iterable[CheckState]) -> CheckState:
    """The state that stands for all: blocked, then unknown, warn, ok; `skipped` only when there is nothing else."""
    present = set(states)
    return next((state for state in _WORST_FIRST if state in present), CheckState.SKIPPED)


class Risk(StrEnum):
    """What a fix can do, from reading only to destroying."""

    READS = "reads"
    CHANGES = "changes"
    COSTS = "costs"
    """Creates things that are paid for."""
    DESTROYS = "destroys"


class FrozenStruct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the small values here: immutable, keyword only."""


class Fact(FrozenStruct, frozen=True):
    """One thing that was seen, for a two-column table."""

    label: str
    value: str


class RunCommand(FrozenStruct, frozen=True, tag="run", tag_field="how"):
    """Run a command under the supervisor. An argv[0] of `ecotui` means this program."""

    argv: tuple[str, ...]


class RunInTerminal(FrozenStruct, frozen=True, tag="terminal", tag_field="how"):
    """Run a command that talks to the operator, in the suspended terminal."""

    argv: tuple[str, ...]


class PasteSecret(FrozenStruct, frozen=True, tag="paste", tag_field="how"):
    """Ask for a secret (masked) and give it to the command's standard input; it is kept nowhere."""

    argv: tuple[str, ...]
    prompt: str


class SetVariable(FrozenStruct, frozen=True, tag="variable", tag_field="how"):
    """Ask for the value of an environment variable, for this session only."""

    name: str
    secret: bool = False
    purpose: str = ""


class UnsetVariable(FrozenStruct, frozen=True, tag="unset", tag_field="how"):
    """Leave an environment variable out of everything that this session starts."""

    name: str


class PickProfile(FrozenStruct, frozen=True, tag="profile", tag_field="how"):
    """Choose one of the AWS profiles, for this session only."""

    choices: tuple[str, ...]


class OpenStep(FrozenStruct, frozen=True, tag="visit", tag_field="how"):
    """The way on is in another step's screen."""

    step: str
    select: tuple[str, ...] = ()
    """Ids of resources to preselect there."""


class CopyText(FrozenStruct, frozen=True, tag="copy", tag_field="how"):
    """A command or text to take away; nothing is run."""

    text: str


FixAction = RunCommand | RunInTerminal | PasteSecret | SetVariable | UnsetVariable | PickProfile | OpenStep | CopyText


class Fix(FrozenStruct, frozen=True):
    """A remedy for a finding: what it runs, what it changes, how risky it is."""

    id: str
    title: str
    action: FixAction
    changes: str
    """In plain words, what is different afterwards."""
    risk: Risk = Risk.READS
    recommended: bool = False
    typed: str = ""
    """The words to be typed, which say what is done, or how much; empty for the account's name, where it destroys."""

    @property
    def command(self) -> str:
        """The exact command line behind this fix, quoted for a shell; empty where there is none."""
        import shlex

        match self.action:
            case RunCommand(argv=argv) | RunInTerminal(argv=argv) | PasteSecret(argv=argv):
                return shlex.join(argv)
            case SetVariable(name=name, secret=secret):
                return f"export {name}={'••••' if secret else '…'}"
            case UnsetVariable(name=name):
                return f"unset {name}"
            case PickProfile():
                return "export AWS_PROFILE=…"
            case CopyText(text=text):
                return text
            case OpenStep():
                return ""


class Finding(FrozenStruct, frozen=True):
    """One result of a check."""

    id: str
    """Stable, dotted, starts with the step: `quota.vcpu`."""
    step: str
    state: CheckState
    title: str
    summary: str
    """One line, plain words: what is wrong, or what is right."""
    facts: tuple[Fact, ...] = ()
    guide: tuple[str, ...] = ()
    """Entries of the guide that explain it: `3.1`."""
    fixes: tuple[Fix, ...] = ()
    raw: str = ""
    """The raw text behind the summary, sanitised; never a secret."""
    denied: tuple[str, ...] = ()
    """IAM actions (or GitHub scopes, Kubernetes verbs) that were missing, where the state is `unknown`."""


def build_finding(
    step: str,
    id: str,
    state: CheckState,
    title: str,
    summary: str,
    *,
    facts: tuple[Fact, ...] = (),
    guide: tuple[str, ...] = (),
    fixes: tuple[Fix, ...] = (),
    raw: str = "",
    denied: tuple[str, ...] = (),
) -> Finding:
    """A finding of a step: `id` is without the step, and the guide is left out where nothing is to be explained."""
    return Finding(
        id=f"{step}.{id}",
        step=step,
        state=state,
        title=title,
        summary=summary,
        facts=facts,
        guide=() if state in (CheckState.OK, CheckState.SKIPPED) else guide,
        fixes=fixes,
        raw=raw,
        denied=denied,
    )


class Report(FrozenStruct, frozen=True):
    """All findings of one check of one step."""

    step: str
    findings: tuple[Finding, ...]
    started: float
    """Seconds since the epoch."""
    seconds: float
    """How long the check took."""
    detail: dict[str, Any] | None = None
    """What the step's screen draws beyond the findings; each step converts it with `msgspec.convert`."""

    @property
    def state(self) -> CheckState:
        return worst_state(finding.state for finding in self.findings)


class ReportBuilder:
    """Times a check, and builds its report."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.started = time.time()
        """Seconds since the epoch."""
        self._clock = time.perf_counter()

    def build(self, findings: Iterable[Finding], detail: msgspec.Struct | None = None) -> Report:
        """What was found, and what the step's screen draws beyond that."""
        return Report(
            step=self._step,
            findings=tuple(findings),
            started=self.started,
            seconds=time.perf_counter() - self._clock,
            detail=None if detail is None else msgspec.to_builtins(detail),
        )


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding in the shape of `ecotui.check/1`: every key present, nothing more."""
    plain = msgspec.to_builtins(finding)
    return {
        "id": finding.id,
        "step": finding.step,
        "state": finding.state.value,
        "title": finding.title,
        "summary": finding.summary,
        "facts": plain.get("facts", []),
        "guide": plain.get("guide", []),
        "fixes": [
            {
                "id": fix.id,
                "title": fix.title,
                "command": fix.command,
                "changes": fix.changes,
                "risk": fix.risk.value,
                "recommended": fix.recommended,
            }
            for fix in finding.fixes
        ],
    }
