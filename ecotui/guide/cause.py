"""Whether the cause that an entry describes is present, according to the last checks, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checks.finding import CheckState, Finding, Report
from checks.steps import STEPS
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.overlay import Overlay


class CauseState(StrEnum):
    """The state of an entry's cause."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The check could not complete."""
    CHECKING = "checking"
    NOT_CHECKED = "not-checked"
    NO_CHECK = "no-check"
    """No step of the rebuild checks this cause."""


@dataclass(frozen=True)
class CauseCheck:
    """The state of the cause, with its findings."""

    state: CauseState
    steps: tuple[str, ...] = ()
    """The steps of the rebuild that check it."""
    findings: tuple[Finding, ...] = ()
    """If present, the problems; if unknown, what could not be checked; if absent, what is well."""
    checked_at: float | None = None
    """Seconds since the epoch, of the oldest report."""
    other_findings: tuple[Finding, ...] = ()
    """Problems of the same step that belong to other entries."""
    is_resolved: bool = False
    """Absent now, present before."""

    def summary(self, language: str = "en") -> str:
        """The state in one line."""
        texts = _TEXTS["ko" if language == "ko" else "en"]
        text = texts["resolved"] if self.is_resolved else texts[self.state]
        findings = self.findings
        if self.other_findings:
            text, findings = texts["other"], self.other_findings
        if not findings:
            return text.rstrip(":")
        more = f" {texts['more'].format(count=len(findings) - 1)}" if len(findings) > 1 else ""
        return f"{text} {findings[0].summary}{more}"


_TEXTS = {
    "en": {
        CauseState.PRESENT: "The cause is present:",
        CauseState.ABSENT: "The cause is absent:",
        CauseState.UNKNOWN: "Could not be checked:",
        CauseState.CHECKING: "Checking…",
        CauseState.NOT_CHECKED: "Not checked yet; r checks",
        CauseState.NO_CHECK: "This entry has no live check",
        "resolved": "The cause is gone:",
        "other": "Not this cause; found instead:",
        "more": "(and {count} more)",
    },
    "ko": {
        CauseState.PRESENT: "원인이 있습니다:",
        CauseState.ABSENT: "원인이 없습니다:",
        CauseState.UNKNOWN: "확인할 수 없었습니다:",
        CauseState.CHECKING: "확인하는 중…",
        CauseState.NOT_CHECKED: "아직 확인하지 않았습니다 (r: 확인)",
        CauseState.NO_CHECK: "이 항목에는 자동 확인이 없습니다",
        "resolved": "원인이 해결되었습니다:",
        "other": "이 원인은 아닙니다. 다른 문제가 발견됨:",
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
    """The state of an entry's cause in the last reports. A finding names the entries that explain it.

    `earlier_findings` are the ids of problems found before: once they are well, they are reported first.
    """
    overlay = library.file_overlays.get(entry, Overlay())
    order = [step.id for step in STEPS]
    findings = [finding for step in order if step in reports for finding in reports[step].findings]
    explained = [finding for finding in findings if entry in library.entries_explaining(finding)]
    overlay_steps = {name.partition(".")[0] for name in overlay.findings}
    steps = tuple(step for step in order if step in overlay_steps | {finding.step for finding in explained})
    if not steps:
        return CauseCheck(CauseState.NO_CHECK)
    if any(step in running_steps for step in steps):
        return CauseCheck(CauseState.CHECKING, steps)
    known_reports = [reports[step] for step in steps if step in reports]
    if not known_reports:
        return CauseCheck(CauseState.NOT_CHECKED, steps)
    checked_at = min(report.started for report in known_reports)
    named = [finding for finding in findings if any(_matches_finding_id(finding, name) for name in overlay.findings)]
    # If the overlay names findings of a step, the other findings of that step are not this entry's.
    present = [
        finding
        for finding in explained
        if finding.state in _PROBLEM_STATES and (finding in named or finding.step not in overlay_steps)
    ]
    if present:
        present.sort(key=lambda one: (one.state is not CheckState.BLOCKED, _overlay_rank(one, overlay.findings)))
        return CauseCheck(CauseState.PRESENT, steps, tuple(present), checked_at)
    ruled_out = [
        finding
        for finding in findings
        if finding.id in overlay.rules_out and finding.state in (CheckState.OK, CheckState.SKIPPED)
    ]
    hiding = None if ruled_out else _findings_hiding_cause(library, overlay.findings, known_reports, named)
    if hiding is not None:
        return CauseCheck(CauseState.UNKNOWN, steps, hiding, checked_at)
    if len(known_reports) < len(steps):
        return CauseCheck(CauseState.NOT_CHECKED, steps)
    other_findings = tuple(finding for finding in named if finding.state in _PROBLEM_STATES)
    well = ruled_out or [finding for finding in named if finding.state is CheckState.OK]
    well.sort(key=lambda one: one.id not in earlier_findings)
    return CauseCheck(
        CauseState.ABSENT,
        steps,
        () if other_findings else tuple(well[:1]),
        checked_at,
        other_findings,
        is_resolved=bool(earlier_findings),
    )


_PROBLEM_STATES = (CheckState.BLOCKED, CheckState.WARN)


def _findings_hiding_cause(
    library: GuideLibrary, names: Sequence[str], reports: Sequence[Report], named: Sequence[Finding]
) -> tuple[Finding, ...] | None:
    """The findings that leave the cause unknown, if any are known; None if it was checked everywhere.

    Only a complete check proves that a cause is absent. A problem that no entry explains may hide it.
    """
    hiding = tuple(
        finding
        for finding in named
        if finding.state is CheckState.UNKNOWN
        # A problem that was only partly checked may have this cause too.
        or (finding.state in _PROBLEM_STATES and (finding.denied or not library.entries_explaining(finding)))
    )
    if hiding:
        return hiding
    for report in reports:
        step_names = [name for name in names if name.startswith(f"{report.step}.")]
        checked = [
            any(_matches_finding_id(finding, name) and finding.state is not CheckState.SKIPPED for finding in named)
            for name in step_names
        ]
        kinds = (report.detail or {}).get("looked_at")
        if isinstance(kinds, list | tuple):
            # A kind without leftovers has no finding; the detail lists every kind that was checked.
            checked = [
                is_checked or name.partition(".")[2] in kinds
                for is_checked, name in zip(checked, step_names, strict=True)
            ]
            is_complete = all(checked)
        else:
            is_complete = any(checked) or not step_names
        if not is_complete:
            problems = (CheckState.UNKNOWN, CheckState.BLOCKED)
            return tuple(finding for finding in report.findings if finding.state in problems)[:1] or tuple(
                finding for finding in named if finding.step == report.step
            )
    return None


def _overlay_rank(finding: Finding, names: Sequence[str]) -> int:
    """The position in the overlay, which names the finding that the entry is mainly about first."""
    return next((rank for rank, name in enumerate(names) if _matches_finding_id(finding, name)), len(names))


def _matches_finding_id(finding: Finding, name: str) -> bool:
    """Whether a finding has this id, is below it, or reports that it could not be checked."""
    step, _, rest = name.partition(".")
    return (
        finding.id == name
        or finding.id.startswith((f"{name}.", f"{step}.look.{rest}."))
        or finding.id in (f"{step}.look.{rest}", f"{step}.look")
    )
