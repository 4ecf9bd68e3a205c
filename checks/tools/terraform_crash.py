"""Recognises a crash of a provider or of terraform itself in terraform's output, and explains it. Pure.

terraform reports each request that was under way as an error of its own (`Plugin did not respond`, `Request cancelled`),
and prints the stack trace, where there is one, when it ends (terraform: internal/plugin/grpc_error.go, internal/logging/
panic.go). To an operator that is one crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.finding import FrozenStruct
from checks.sanitize import one_line, sanitize
from checks.tools.terraform_errors import Diagnostic

_LOST_REQUEST_SUMMARIES = frozenset({"Plugin did not respond", "Request cancelled"})
_PLUGIN_ERROR = re.compile(r"(?:plugin\d*\.\(\*GRPC|[Pp]lugin encountered an error)")
_PLUGIN_NAME = re.compile(r"^(?:Stack trace from the (\S+) plugin:|(?:Error: )?The (\S+) plugin crashed!)")
_PANIC = re.compile(r"^(?:panic|fatal error): ")
_TERRAFORM_CRASH_BANNER = re.compile(r"^!+ (?:TERRAFORM|OPENTOFU) CRASH !+$")
_PROVIDER_BINARY = re.compile(r"^terraform-provider-(\S+?)_v(\d[\w.-]*?)(?:_x\d+)?(?:\.exe)?$")
MAX_TRACE_LINES = 200
"""Lines of the trace: the cause is at its top, the other thousands are of goroutines that only waited."""
MAX_LISTED_ADDRESSES = 3
"""Resources that are named; the rest is counted."""


class Crash(FrozenStruct, frozen=True):
    """One crash, as far as it was printed."""

    who: str = ""
    """`terraform-provider-aws_v5.100.0_x5`, `terraform`; empty where it is not known."""
    panic: str = ""
    """The panic message of Go; empty without a stack trace."""
    addresses: tuple[str, ...] = ()
    """The resources whose request was under way."""
    trace: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        named = _PROVIDER_BINARY.match(self.who)
        who = f"The provider {named[1]} {named[2]}" if named else self.who or "A provider"
        if self.who == "terraform":
            who = "terraform itself"
        return f"{who} crashed: a fault of its own, not of your configuration and not of AWS"

    @property
    def lines(self) -> tuple[str, ...]:
        """What happened, why as far as it is known, what may be affected, and what to do next."""
        why = self.panic or (
            "No stack trace: one that was killed for want of memory leaves none (dmesg tells); fewer resources at a time"
            " need less (terraform.parallelism)"
        )
        many = len(self.addresses)
        names = ", ".join(self.addresses[:MAX_LISTED_ADDRESSES]) + (
            f" and {many - MAX_LISTED_ADDRESSES} more" if many > MAX_LISTED_ADDRESSES else ""
        )
        it, them = ("it", "it") if many == 1 else ("they", "them")
        return (
            self.title,
            why,
            f"Under way: {names or 'what had begun'}; {it} may exist without being in the state: `ecotui recover` looks for"
            f" {them}. Then plan again; where it crashes again, try another version of the provider",
        )

    @property
    def diagnostic(self) -> Diagnostic:
        """One error in place of all that terraform reported of the crash; `detail` is the raw text."""
        return Diagnostic(
            severity="error", summary="\n".join(self.lines), detail="\n".join([*self.addresses, *self.trace])
        )


class CrashDetector:
    """Fed with what terraform prints, in its order."""

    def __init__(self) -> None:
        self._program = ""
        self._panic = ""
        self._addresses: dict[str, None] = {}
        self._trace: list[str] = []
        self._has_crash = False

    def add_diagnostic(self, one: Diagnostic) -> bool:
        """Whether this error only reports that a request was lost in a crash."""
        if one.summary not in _LOST_REQUEST_SUMMARIES or not _PLUGIN_ERROR.search(one.detail):
            return False
        self._has_crash = True
        if one.address:
            self._addresses[one.address] = None
        return True

    def add_line(self, text: str) -> bool:
        """Whether this line, which is no JSON, belongs to a crash; from its first line on, all do."""
        text = text.rstrip()
        if named := _PLUGIN_NAME.match(text):
            self._program = one_line(named[1] or named[2])
        elif _TERRAFORM_CRASH_BANNER.match(text):
            self._program = "terraform"
        elif _PANIC.match(text):
            self._panic = self._panic or one_line(text)
        elif not self._trace:
            return False
        self._has_crash = True
        if len(self._trace) < MAX_TRACE_LINES:
            self._trace.append(sanitize(text, limit=2000))
        return True

    @property
    def crash(self) -> Crash | None:
        if not self._has_crash:
            return None
        return Crash(who=self._program, panic=self._panic, addresses=tuple(self._addresses), trace=tuple(self._trace))


def find_crash(diagnostics: Iterable[Diagnostic], text: str) -> Crash | None:
    """The crash in an output that is there as a whole; None when there is none."""
    detector = CrashDetector()
    for one in diagnostics:
        detector.add_diagnostic(one)
    for line in text.splitlines():
        if not line.startswith("{"):
            detector.add_line(line)
    return detector.crash
