"""Is the cause that an entry describes really there? What the last looks say about it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checks.finding import CheckState, Finding, Report
from checks.steps import STEPS
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.overlay import Overlay


class CauseState(StrEnum):
    """What the live check of an entry says."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Could not look."""
    CHECKING = "looking"
    NOT_CHECKED = "not-looked"
    NO_CHECK = "no-check"
    """Nothing that ecotui looks at belongs to this entry."""


@dataclass(frozen=True)
class CauseCheck:
    """The answer, with the findings behind it."""

    state: CauseState
    steps: tuple[str, ...] = ()
    """The steps that are looked at for it."""
    findings: tuple[Finding, ...] = ()
    """For `present`, what is in the way; for `unknown`, what could not be looked at; else what was found instead."""
    checked_at: float | None = None
    """When it was looked at, seconds since the epoch; the oldest of several looks."""
    other_findings: tuple[Finding, ...] = ()
    """What is wrong in the same step, but is another entry's."""
    is_resolved: bool = False
    """Absent now, and present before."""

    def summary(self, language: str = "en") -> str:
        """The verdict as one line."""
        said = _TEXTS["ko" if language == "ko" else "en"]
        text = said["gone"] if self.is_resolved else said[self.state]
        told = self.findings
        if self.other_findings:
            text, told = said["elsewhere"], self.other_findings
        if not told:
            return text.rstrip(":")
        first = told[0].summary
        more = f" {said['more'].format(count=len(told) - 1)}" if len(told) > 1 else ""
        return f"{text} {first}{more}"


_TEXTS = {
    "en": {
        CauseState.PRESENT: "The cause is present:",
        CauseState.ABSENT: "The cause is not there:",
        CauseState.UNKNOWN: "Could not look:",
        CauseState.CHECKING: "Looking…",
        CauseState.NOT_CHECKED: "Not looked yet; r looks",
        CauseState.NO_CHECK: "This entry has no live check",
        "gone": "The cause is gone:",
        "elsewhere": "Not this cause; found instead:",
        "more": "(and {count} more)",
    },
    "ko": {
        CauseState.PRESENT: "원인이 있습니다:",
        CauseState.ABSENT: "원인이 없습니다:",
        CauseState.UNKNOWN: "확인할 수 없었습니다:",
        CauseState.CHECKING: "확인하는 중…",
        CauseState.NOT_CHECKED: "아직 확인하지 않았습니다 (r: 확인)",
        CauseState.NO_CHECK: "이 항목에는 자동 확인이 없습니다",
        "gone": "원인이 사라졌습니다:",
        "elsewhere": "이 원인이 아닙니다. 대신 발견된 것:",
        "more": "(외 {count}건)",
    },
}


def check_cause(
    library: GuideLibrary,
    entry: str,
    reports: Mapping[str, Report],
    running_steps: Collection[str] = (),
    earlier_findings: Collection[str] = (),
) -> CauseCheck:
    """What the last looks say about an entry's cause. A finding names the entries that explain it.

    `before` are ids of findings that were in the way earlier: when they are well now, they are what is told.
    """
    overlay = library.file_overlays.get(entry, Overlay())
    known = overlay.findings
    order = [step.id for step in STEPS]
    every = [finding for step in order if step in reports for finding in reports[step].findings]
    named = [finding for finding in every if entry in library.entries_explaining(finding)]
    steps = {name.partition(".")[0] for name in known} | {finding.step for finding in named}
    places = tuple(step for step in order if step in steps)
    if not places:
        return CauseCheck(CauseState.NO_CHECK)
    if any(step in running_steps for step in places):
        return CauseCheck(CauseState.CHECKING, places)
    there = [reports[step] for step in places if step in reports]
    if not there:
        return CauseCheck(CauseState.NOT_CHECKED, places)
    when = min(report.started for report in there)
    about = [finding for finding in every if any(_matches_finding_id(finding, name) for name in known)]
    judged = {name.partition(".")[0] for name in known}
    # Where the overlay says which findings of a step are this entry's, the step's others are not.
    present = [
        finding
        for finding in named
        if finding.state in _PROBLEM_STATES and (finding in about or finding.step not in judged)
    ]
    present.sort(key=lambda one: (one.state is not CheckState.BLOCKED, _overlay_rank(one, known)))
    if present:
        return CauseCheck(CauseState.PRESENT, places, tuple(present), when)
    ruled_out = [
        finding
        for finding in every
        if finding.id in overlay.rules_out and finding.state in (CheckState.OK, CheckState.SKIPPED)
    ]
    blind = () if ruled_out else _findings_hiding_cause(library, known, there, about)
    if blind is not None and not ruled_out:
        return CauseCheck(CauseState.UNKNOWN, places, blind, when)
    if len(there) < len(places):
        return CauseCheck(CauseState.NOT_CHECKED, places)
    elsewhere = tuple(finding for finding in about if finding.state in _PROBLEM_STATES)
    fine = ruled_out or [finding for finding in about if finding.state is CheckState.OK]
    fine.sort(key=lambda one: one.id not in earlier_findings)
    return CauseCheck(
        CauseState.ABSENT,
        places,
        tuple(fine[:1]) if not elsewhere else (),
        when,
        elsewhere,
        is_resolved=bool(earlier_findings),
    )


_PROBLEM_STATES = (CheckState.BLOCKED, CheckState.WARN)


def _findings_hiding_cause(
    library: GuideLibrary, known: Collection[str], there: Sequence[Report], about: Sequence[Finding]
) -> tuple[Finding, ...] | None:
    """Why nothing can be said of the cause, as far as findings say it; None where it was looked for everywhere.

    Only what was seen tells that a cause is absent. What is wrong in another way, and is no entry's, may hide it.
    """
    hidden = tuple(
        finding
        for finding in about
        if finding.state is CheckState.UNKNOWN
        # What is wrong although not all of it could be looked at may be wrong for this reason too.
        or (finding.state in _PROBLEM_STATES and (finding.denied or not library.entries_explaining(finding)))
    )
    if hidden:
        return hidden
    for report in there:
        names = [name for name in known if name.startswith(f"{report.step}.")]
        seen = [
            any(_matches_finding_id(finding, name) and finding.state is not CheckState.SKIPPED for finding in about)
            for name in names
        ]
        kinds = (report.detail or {}).get("looked_at")
        if isinstance(kinds, list | tuple):
            # A kind of leftover of which nothing is left has no finding: that it was looked for is written there.
            seen = [saw or name.partition(".")[2] in kinds for saw, name in zip(seen, names, strict=True)]
            enough = all(seen)
        else:
            enough = any(seen) or not names
        if not enough:
            troubled = (CheckState.UNKNOWN, CheckState.BLOCKED)
            return tuple(finding for finding in report.findings if finding.state in troubled)[:1] or tuple(
                finding for finding in about if finding.step == report.step
            )
    return None


def _overlay_rank(finding: Finding, known: Sequence[str]) -> int:
    """The place in the overlay: what the entry is about most stands first there."""
    return next((place for place, name in enumerate(known) if _matches_finding_id(finding, name)), len(known))


def _matches_finding_id(finding: Finding, name: str) -> bool:
    """Is a finding the one of this id, below it, or the one that says that it could not be looked at?"""
    step, _, rest = name.partition(".")
    return (
        finding.id == name
        or finding.id.startswith((f"{name}.", f"{step}.look.{rest}."))
        or finding.id in (f"{step}.look.{rest}", f"{step}.look")
    )
