"""Is the cause that an entry describes really there? What the last looks say about it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from checks.finding import Finding, Report, State
from checks.steps import STEPS
from ecotui.guide.library import Library


class Cause(StrEnum):
    """What the live check of an entry says."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Could not look."""
    LOOKING = "looking"
    NOT_LOOKED = "not-looked"
    NO_CHECK = "no-check"
    """Nothing that ecotui looks at belongs to this entry."""


@dataclass(frozen=True)
class Verdict:
    """The answer, with the findings behind it."""

    cause: Cause
    steps: tuple[str, ...] = ()
    """The steps that are looked at for it."""
    findings: tuple[Finding, ...] = ()
    """For `present`, what is in the way; for `unknown`, what could not be looked at; else what was found instead."""
    looked: float | None = None
    """When it was looked at, seconds since the epoch; the oldest of several looks."""
    elsewhere: tuple[Finding, ...] = ()
    """What is wrong in the same step, but is another entry's."""

    def words(self, language: str = "en") -> str:
        """The verdict as one line."""
        said = _SAID["ko" if language == "ko" else "en"]
        text = said[self.cause]
        if not self.findings:
            return said["nothing"] if self.cause is Cause.ABSENT else text.rstrip(":")
        first = self.findings[0].summary
        more = f" {said['more'].format(count=len(self.findings) - 1)}" if len(self.findings) > 1 else ""
        return f"{text} {first}{more}"


_SAID = {
    "en": {
        Cause.PRESENT: "The cause is present:",
        Cause.ABSENT: "Not found:",
        Cause.UNKNOWN: "Could not look:",
        Cause.LOOKING: "Looking…",
        Cause.NOT_LOOKED: "Not looked yet; r looks",
        Cause.NO_CHECK: "This entry has no live check",
        "nothing": "Not found: the look found nothing of it.",
        "more": "(and {count} more)",
    },
    "ko": {
        Cause.PRESENT: "원인이 있습니다:",
        Cause.ABSENT: "원인이 보이지 않습니다:",
        Cause.UNKNOWN: "확인할 수 없었습니다:",
        Cause.LOOKING: "확인하는 중…",
        Cause.NOT_LOOKED: "아직 확인하지 않았습니다 (r: 확인)",
        Cause.NO_CHECK: "이 항목에는 자동 확인이 없습니다",
        "nothing": "원인이 보이지 않습니다: 아무것도 발견되지 않았습니다.",
        "more": "(외 {count}건)",
    },
}


def judge(
    library: Library,
    entry: str,
    reports: Mapping[str, Report],
    looking: Collection[str] = (),
    before: Collection[str] = (),
) -> Verdict:
    """What the last looks say about an entry's cause. A finding names the entries that explain it.

    `before` are ids of findings that were in the way earlier: when they are well now, they are what is told.
    """
    overlay = library.overlays.get(entry)
    known = overlay.findings if overlay is not None else ()
    order = [step.id for step in STEPS]
    named = [
        (finding, report)
        for step in order
        if (report := reports.get(step)) is not None
        for finding in report.findings
        if entry in finding.guide
    ]
    steps = {name.partition(".")[0] for name in known} | {finding.step for finding, _ in named}
    places = tuple(step for step in order if step in steps)
    if not places:
        return Verdict(Cause.NO_CHECK)
    if any(step in looking for step in places):
        return Verdict(Cause.LOOKING, places)
    looked = [reports[step].started for step in places if step in reports]
    if not looked:
        return Verdict(Cause.NOT_LOOKED, places)
    when = min(looked)
    about = [
        finding
        for step in places
        if step in reports
        for finding in reports[step].findings
        if _about(finding, known) or entry in finding.guide
    ]
    wrong = (State.BLOCKED, State.WARN)
    present = tuple(finding for finding in about if finding.state in wrong and entry in finding.guide)
    present = tuple(sorted(present, key=lambda one: one.state is not State.BLOCKED))
    if present:
        return Verdict(Cause.PRESENT, places, present, when)
    # A look that broke off as a whole tells nothing of this cause either.
    blind = tuple(
        finding
        for step in places
        if step in reports
        for finding in reports[step].findings
        if finding.state is State.UNKNOWN and (finding in about or finding.id == f"{step}.look")
    )
    if blind:
        return Verdict(Cause.UNKNOWN, places, blind, when)
    if len(looked) < len(places):
        return Verdict(Cause.NOT_LOOKED, places)
    elsewhere = tuple(finding for finding in about if finding.state in wrong)
    fine = tuple(finding for finding in about if finding.state in (State.OK, State.SKIPPED)) or tuple(
        finding
        for step in places
        for finding in reports[step].findings
        if finding.state is State.OK and finding.id.endswith((".leftovers", ".list", ".all"))
    )
    fine = tuple(sorted(fine, key=lambda one: one.id not in before))
    return Verdict(Cause.ABSENT, places, fine[:1] if not elsewhere else (), when, elsewhere)


def _about(finding: Finding, known: Collection[str]) -> bool:
    return any(finding.id == name or finding.id.startswith(f"{name}.") for name in known)
