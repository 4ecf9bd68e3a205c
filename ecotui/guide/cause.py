"""Is the cause that an entry describes really there? What the last looks say about it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checks.finding import Finding, Report, State
from checks.steps import STEPS
from ecotui.guide.reading.library import Library
from ecotui.guide.reading.overlay import Overlay


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
    gone: bool = False
    """Absent now, and present before."""

    def words(self, language: str = "en") -> str:
        """The verdict as one line."""
        said = _SAID["ko" if language == "ko" else "en"]
        text = said["gone"] if self.gone else said[self.cause]
        told = self.findings
        if self.elsewhere:
            text, told = said["elsewhere"], self.elsewhere
        if not told:
            return text.rstrip(":")
        first = told[0].summary
        more = f" {said['more'].format(count=len(told) - 1)}" if len(told) > 1 else ""
        return f"{text} {first}{more}"


_SAID = {
    "en": {
        Cause.PRESENT: "The cause is present:",
        Cause.ABSENT: "The cause is not there:",
        Cause.UNKNOWN: "Could not look:",
        Cause.LOOKING: "Looking…",
        Cause.NOT_LOOKED: "Not looked yet; r looks",
        Cause.NO_CHECK: "This entry has no live check",
        "gone": "The cause is gone:",
        "elsewhere": "Not this cause; found instead:",
        "more": "(and {count} more)",
    },
    "ko": {
        Cause.PRESENT: "원인이 있습니다:",
        Cause.ABSENT: "원인이 없습니다:",
        Cause.UNKNOWN: "확인할 수 없었습니다:",
        Cause.LOOKING: "확인하는 중…",
        Cause.NOT_LOOKED: "아직 확인하지 않았습니다 (r: 확인)",
        Cause.NO_CHECK: "이 항목에는 자동 확인이 없습니다",
        "gone": "원인이 사라졌습니다:",
        "elsewhere": "이 원인이 아닙니다. 대신 발견된 것:",
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
    overlay = library.known.get(entry, Overlay())
    known = overlay.findings
    order = [step.id for step in STEPS]
    every = [finding for step in order if step in reports for finding in reports[step].findings]
    named = [finding for finding in every if entry in library.explains(finding)]
    steps = {name.partition(".")[0] for name in known} | {finding.step for finding in named}
    places = tuple(step for step in order if step in steps)
    if not places:
        return Verdict(Cause.NO_CHECK)
    if any(step in looking for step in places):
        return Verdict(Cause.LOOKING, places)
    there = [reports[step] for step in places if step in reports]
    if not there:
        return Verdict(Cause.NOT_LOOKED, places)
    when = min(report.started for report in there)
    about = [finding for finding in every if any(_about(finding, name) for name in known)]
    judged = {name.partition(".")[0] for name in known}
    # Where the overlay says which findings of a step are this entry's, the step's others are not.
    present = [
        finding
        for finding in named
        if finding.state in _WRONG and (finding in about or finding.step not in judged)
    ]
    present.sort(key=lambda one: (one.state is not State.BLOCKED, _rank(one, known)))
    if present:
        return Verdict(Cause.PRESENT, places, tuple(present), when)
    ruled_out = [
        finding
        for finding in every
        if finding.id in overlay.rules_out and finding.state in (State.OK, State.SKIPPED)
    ]
    blind = () if ruled_out else _blind(library, known, there, about)
    if blind is not None and not ruled_out:
        return Verdict(Cause.UNKNOWN, places, blind, when)
    if len(there) < len(places):
        return Verdict(Cause.NOT_LOOKED, places)
    elsewhere = tuple(finding for finding in about if finding.state in _WRONG)
    fine = ruled_out or [finding for finding in about if finding.state is State.OK]
    fine.sort(key=lambda one: one.id not in before)
    return Verdict(
        Cause.ABSENT, places, tuple(fine[:1]) if not elsewhere else (), when, elsewhere, gone=bool(before)
    )


_WRONG = (State.BLOCKED, State.WARN)


def _blind(
    library: Library, known: Collection[str], there: Sequence[Report], about: Sequence[Finding]
) -> tuple[Finding, ...] | None:
    """Why nothing can be said of the cause, as far as findings say it; None where it was looked for everywhere.

    Only what was seen tells that a cause is absent. What is wrong in another way, and is no entry's, may hide it.
    """
    hidden = tuple(
        finding
        for finding in about
        if finding.state is State.UNKNOWN
        # What is wrong although not all of it could be looked at may be wrong for this reason too.
        or (finding.state in _WRONG and (finding.denied or not library.explains(finding)))
    )
    if hidden:
        return hidden
    for report in there:
        names = [name for name in known if name.startswith(f"{report.step}.")]
        seen = [
            any(_about(finding, name) and finding.state is not State.SKIPPED for finding in about)
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
            troubled = (State.UNKNOWN, State.BLOCKED)
            return tuple(finding for finding in report.findings if finding.state in troubled)[:1] or tuple(
                finding for finding in about if finding.step == report.step
            )
    return None


def _rank(finding: Finding, known: Sequence[str]) -> int:
    """The place in the overlay: what the entry is about most stands first there."""
    return next((place for place, name in enumerate(known) if _about(finding, name)), len(known))


def _about(finding: Finding, name: str) -> bool:
    """Is a finding the one of this id, below it, or the one that says that it could not be looked at?"""
    step, _, rest = name.partition(".")
    return (
        finding.id == name
        or finding.id.startswith((f"{name}.", f"{step}.look.{rest}."))
        or finding.id in (f"{step}.look.{rest}", f"{step}.look")
    )
