"""A provider, or terraform itself, that crashed: recognised in what terraform prints of it, and told in plain words. Pure.

terraform reports each request that was under way as an error of its own (`Plugin did not respond`, `Request cancelled`),
and prints the stack trace, where there is one, when it ends (terraform: internal/plugin/grpc_error.go, internal/logging/
panic.go). To an operator that is one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.finding import Value
from checks.sanitize import one_line, sanitize
from checks.tools.terraform_errors import Diagnostic

_UNANSWERED = frozenset({"Plugin did not respond", "Request cancelled"})
_OF_PLUGIN = re.compile(r"(?:plugin\d*\.\(\*GRPC|[Pp]lugin encountered an error)")
_NAMED = re.compile(r"^(?:Stack trace from the (\S+) plugin:|(?:Error: )?The (\S+) plugin crashed!)")
_PANIC = re.compile(r"^(?:panic|fatal error): ")
_TERRAFORM = re.compile(r"^!+ (?:TERRAFORM|OPENTOFU) CRASH !+$")
_PROVIDER = re.compile(r"^terraform-provider-(\S+?)_v(\d[\w.-]*?)(?:_x\d+)?(?:\.exe)?$")
KEPT = 200
"""Lines of the trace: what broke stands at its top, the other thousands are of what only waited."""
NAMES = 3
"""Resources that are named; the rest is counted."""


class Crash(Value, frozen=True):
    """One crash, as far as it was printed."""

    who: str = ""
    """`terraform-provider-aws_v5.100.0_x5`, `terraform`; empty where nothing told."""
    panic: str = ""
    """What Go said of it; empty without a stack trace."""
    addresses: tuple[str, ...] = ()
    """The resources whose request was under way."""
    trace: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        named = _PROVIDER.match(self.who)
        who = f"The provider {named[1]} {named[2]}" if named else self.who or "A provider"
        if self.who == "terraform":
            who = "terraform itself"
        return f"{who} crashed: a fault of its own, not of your configuration and not of AWS"

    @property
    def lines(self) -> tuple[str, ...]:
        """What happened, why as far as it can be seen, what is to be feared, and how to go on."""
        why = self.panic or (
            "No stack trace: one that was killed for want of memory leaves none (dmesg tells); fewer resources at a time"
            " need less (terraform.parallelism)"
        )
        many = len(self.addresses)
        names = ", ".join(self.addresses[:NAMES]) + (f" and {many - NAMES} more" if many > NAMES else "")
        it, them = ("it", "it") if many == 1 else ("they", "them")
        return (
            self.title,
            why,
            f"Under way: {names or 'what had begun'}; {it} may exist without being in the state: `ecotui recover` looks for"
            f" {them}. Then plan again; where it crashes again, try another version of the provider",
        )

    @property
    def diagnostic(self) -> Diagnostic:
        """The one error that stands for all that terraform reported of it, with the raw text behind."""
        return Diagnostic(
            severity="error", summary="\n".join(self.lines), detail="\n".join([*self.addresses, *self.trace])
        )


class Watch:
    """Fed with what terraform prints, in its order."""

    def __init__(self) -> None:
        self._who = ""
        self._panic = ""
        self._addresses: dict[str, None] = {}
        self._trace: list[str] = []
        self._seen = False

    def diagnostic(self, one: Diagnostic) -> bool:
        """Whether this error only says that a request was lost in a crash."""
        if one.summary not in _UNANSWERED or not _OF_PLUGIN.search(one.detail):
            return False
        self._seen = True
        if one.address:
            self._addresses[one.address] = None
        return True

    def line(self, text: str) -> bool:
        """Whether this line, which is no JSON, belongs to a crash; from its first line on, all do."""
        text = text.rstrip()
        if named := _NAMED.match(text):
            self._who = one_line(named[1] or named[2])
        elif _TERRAFORM.match(text):
            self._who = "terraform"
        elif _PANIC.match(text):
            self._panic = self._panic or one_line(text)
        elif not self._trace:
            return False
        self._seen = True
        if len(self._trace) < KEPT:
            self._trace.append(sanitize(text, limit=2000))
        return True

    @property
    def crash(self) -> Crash | None:
        if not self._seen:
            return None
        return Crash(
            who=self._who, panic=self._panic, addresses=tuple(self._addresses), trace=tuple(self._trace)
        )


def of(diagnostics: Iterable[Diagnostic], text: str) -> Crash | None:
    """The crash in an output that is there as a whole; None when there is none."""
    watch = Watch()
    for one in diagnostics:
        watch.diagnostic(one)
    for line in text.splitlines():
        if not line.startswith("{"):
            watch.line(line)
    return watch.crash
