"""Draws a runbook: the rows of its steps, one step in full, the state of the cause, the leftovers to be deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from textual.content import Content
from textual.widgets.option_list import Option

from checks.finding import CopyText, Finding, OpenStep, Report, Risk
from checks.steps import STEPS_BY_ID
from ecotui.guide.cause import CauseCheck, CauseState
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.overlay import Correction
from ecotui.guide.reading.sections import SectionKind
from ecotui.guide.runbook.step import SEARCH_GUIDE, RunbookStep, StepKind, strip_emphasis
from screens.style.columns import hanging_indent, pad_cells, wrap_text
from screens.style.icons import RISK_LABEL, RISK_STYLE, state_icon, state_style
from screens.style.themes import MUTED

MAX_LABEL_WIDTH = 28
"""Characters of a label in front of a command."""
MAX_SCRIPT_LINES = 120
"""Lines of a script or file that are shown. Copying takes all of them."""

_CAUSE_ICON = {
    CauseState.PRESENT: ("✗", "$text-error"),
    CauseState.ABSENT: ("✓", "$text-success"),
    CauseState.UNKNOWN: ("?", "$text-accent"),
    CauseState.CHECKING: ("…", "$text-accent"),
    CauseState.NOT_CHECKED: ("○", MUTED),
    CauseState.NO_CHECK: ("·", MUTED),
}

END_TITLE = {"en": "Check again, and say whether it helped", "ko": "다시 확인하고 해결 여부 기록"}


def render_cause_check(cause_check: CauseCheck, language: str, width: int, max_lines: int = 2) -> Content:
    """The state of the cause, in at most `max_lines`, with the time of the check."""
    # A finding of another entry is not shown as if all were well.
    mark, colour = ("!", "$text-warning") if cause_check.other_findings else _CAUSE_ICON[cause_check.state]
    when = ""
    if cause_check.checked_at is not None:
        when = time.strftime("  %H:%M:%S", time.localtime(cause_check.checked_at))
    text = _wrap_and_cut(cause_check.summary(language), width - 2, max_lines)
    rows = [Content.assemble(Content.styled(f"{mark} ", colour), Content.styled(text[0], f"bold {colour}"))]
    rows += [Content.assemble("  ", Content.styled(line, f"bold {colour}")) for line in text[1:]]
    if when and rows[-1].cell_length + len(when) <= width:
        rows[-1] = Content.assemble(rows[-1], Content.styled(when, MUTED))
    return Content("\n").join(rows)


def _wrap_and_cut(text: str, width: int, max_lines: int) -> list[str]:
    lines = wrap_text(text, max(width, 20))
    return lines if len(lines) <= max_lines else [*lines[: max_lines - 1], f"{lines[max_lines - 1][:-1]}…"]


def render_title(entry: Entry, solved_count: int) -> Content:
    """The top line: the entry, and in how many earlier sessions it solved the problem."""
    return Content.assemble(
        Content.styled("Guide ", "bold $text-accent"),
        Content.styled(f"{entry.id} {entry.title}", "bold"),
        Content.styled(f"  ✓ solved it {solved_count}×" if solved_count else "", "$text-success"),
    )


def render_error(error: str, width: int, max_lines: int) -> Content:
    """The first lines of the error that led here, those with the word error first."""
    lines = [" ".join(line.split()) for line in error.splitlines() if line.strip(" \t│╷╵|")]
    if not lines:
        return Content("")
    lines.sort(key=lambda line: "error" not in line.lower())
    text = _wrap_and_cut(" ".join(lines[:3]), width - 8, max_lines)
    head = Content.styled("Error  ", "bold $text-error")
    rows = [Content.assemble(head, Content(text[0])), *(Content(f"       {line}") for line in text[1:])]
    return Content("\n").join(rows)


def render_corrections(corrections: Sequence[Correction], language: str, width: int) -> Content:
    """The corrections of an entry, each with its proof."""
    title, proof = (
        ("이 항목에 대한 정정", "근거: ") if language == "ko" else ("Corrections to this entry", "Verified by ")
    )
    parts = [Content.styled(title, "bold $text-warning")]
    for note in corrections:
        parts.append(
            hanging_indent(Content.styled("! ", "$text-warning"), strip_emphasis(note.text_in(language)), width)
        )
        if note.verified:
            parts.append(hanging_indent(Content("  "), f"{proof}{note.verified}", width, MUTED))
    return Content("\n").join(parts)


def step_options(
    steps: Sequence[RunbookStep], icon: Callable[[RunbookStep], str], language: str, width: int
) -> tuple[list[RunbookStep | None], list[Option]]:
    """The step of each option (None for a heading), and the options of the list."""
    rows: list[RunbookStep | None] = []
    options: list[Option] = []
    previous = ""
    for number, step in enumerate(steps, 1):
        heading = step_heading(step, language)
        if heading and heading != previous:
            rows.append(None)
            options.append(Option(Content.styled(heading, "bold $text-primary"), disabled=True))
        previous = heading
        rows.append(step)
        options.append(Option(render_step_row(step, number, icon(step), language, width - 3)))
    return rows, options


def step_heading(step: RunbookStep, language: str) -> str:
    """The heading above a step in the list."""
    korean = language == "ko"
    if step.kind is StepKind.END:
        return "마무리" if korean else "Finally"
    if step.kind is StepKind.FIX:
        return f"{'확인 결과' if korean else 'From the check'}: {step.heading}"
    return step.heading


def step_title(step: RunbookStep, language: str) -> str:
    """The title of a step, in one line."""
    if step.kind is StepKind.END:
        return END_TITLE["ko" if language == "ko" else "en"]
    return step.title.split("\n")[0]


def render_step_row(step: RunbookStep, number: int, icon: str, language: str, width: int) -> Content:
    """One row of the list of steps."""
    colour = {"✓": "$text-success", "✗": "$text-error", "▶": "$text-accent"}.get(icon, MUTED)
    tail = ""
    action = step.fix.action if step.fix is not None else None
    if step.kind in (StepKind.SCRIPT, StepKind.FILE) or isinstance(action, CopyText):
        tail = "copy"
    elif step.risk is Risk.DESTROYS:
        tail = "destroys"
    head = Content.assemble(Content.styled(f"{icon} ", colour), Content.styled(f"{number:>2} ", MUTED))
    room = width - head.cell_length - (len(tail) + 1 if tail else 0)
    title = Content(step_title(step, language))
    if step.kind is StepKind.FIX:
        title = title.stylize("bold")
    elif label := _command_label(step):
        # Long commands begin alike: what the text calls this one tells them apart.
        title = Content.assemble(f"{label}: ", Content.styled(title.plain, MUTED))
    line = Content.assemble(head, pad_cells(title, max(room, 8)))
    if tail:
        end = Content.styled(f" {tail}", RISK_STYLE[Risk.DESTROYS] if tail == "destroys" else MUTED)
        line = Content.assemble(line, end)
    return line


def _command_label(step: RunbookStep) -> str:
    """The text's own name for a command, if it is short: `Manual request`."""
    if step.kind not in (StepKind.COMMAND, StepKind.SCRIPT):
        return ""
    label = step.note.split("\n")[0].rstrip(" :：")
    return label if len(label) <= MAX_LABEL_WIDTH and label not in step.title else ""


def render_step(
    step: RunbookStep,
    language: str,
    width: int,
    *,
    cause_check: CauseCheck,
    reports: Mapping[str, Report],
    corrections: Sequence[str] = (),
    entry: Entry | None = None,
) -> Content:
    """One step in full."""
    parts: list[Content] = []
    if step.kind is StepKind.END:
        parts += _render_final_step(cause_check, language, width)
    else:
        head = step.heading if step.kind in (StepKind.COMMAND, StepKind.SCRIPT) and step.argv else ""
        title = step.title if step.kind in (StepKind.FIX, StepKind.MANUAL, StepKind.FILE) else (head or step.heading)
        if title:
            parts.append(hanging_indent(Content(""), title, width, "bold"))
        if step.note and step.note != step.title:
            parts.append(_wrap_lines(step.note, width))
    if step.text and step.kind not in (StepKind.SCRIPT, StepKind.FILE):
        parts.append(hanging_indent(Content.styled("$ ", "$text-accent"), step.text, width, "bold $text-accent"))
    if step.substitutions:
        parts.append(_render_used_values(step, width))
    if step.missing:
        hint = f"Needs a value: {', '.join(step.missing)}. e fills it in."
        parts.append(hanging_indent(Content(""), hint, width, "$text-warning"))
    if step.stdin_secret:
        hint = f"ecotui asks for {step.stdin_secret}, masked, and passes it to standard input."
        parts.append(hanging_indent(Content(""), hint, width, MUTED))
    if step.reason:
        parts.append(
            hanging_indent(Content(""), f"Copy only (c, or w to a file): {step.reason}.", width, "$text-warning")
        )
    elif step.is_runnable and step.kind in (StepKind.FIX, StepKind.COMMAND):
        parts.append(Content.styled(f"Risk: {RISK_LABEL[step.risk]}", RISK_STYLE[step.risk]))
    if step.kind in (StepKind.SCRIPT, StepKind.FILE):
        shown = step.text.splitlines()
        more = [f"… {len(shown) - MAX_SCRIPT_LINES} more lines"] if len(shown) > MAX_SCRIPT_LINES else []
        code = [line.expandtabs(4) for line in (*shown[:MAX_SCRIPT_LINES], *more)]
        parts.append(Content("\n").join(Content.styled(line, "$text-accent") for line in code))
    if step.check_step:
        parts.append(_render_last_check(step.check_step, reports, width))
    if hint := _enter_hint(step):
        parts.append(hanging_indent(Content(""), hint, width, MUTED))
    if entry is not None and step.kind in (StepKind.FILE, StepKind.MANUAL, StepKind.SCRIPT):
        parts.append(_render_previous_fix(entry, language, width))
    if corrections and step.kind not in (StepKind.FIX, StepKind.END):
        title = "이 항목에 대한 정정" if language == "ko" else "Corrections to this entry"
        parts.append(Content.styled(title, "bold $text-warning"))
        parts += [
            hanging_indent(Content.styled("! ", "$text-warning"), strip_emphasis(note), width) for note in corrections
        ]
    return Content("\n\n").join(part for part in parts if part.plain)


def _enter_hint(step: RunbookStep) -> str:
    """Where Enter goes from a step, or what it deletes."""
    if step.fix is not None and isinstance(step.fix.action, OpenStep):
        title = STEPS_BY_ID[step.fix.action.step].title
        if step.risk is Risk.DESTROYS:
            return f"Enter deletes exactly these, after you type your consent; b goes to the {title} screen."
        return f"Enter goes to the {title} screen; b comes back here."
    if step.screen_step == SEARCH_GUIDE:
        return "Enter goes to the search."
    return f"Enter goes to the {STEPS_BY_ID[step.screen_step].title} screen." if step.screen_step else ""


def _render_previous_fix(entry: Entry, language: str, width: int) -> Content:
    """The files and the commit of the fix that the entry describes."""
    names = ("적용 파일  ", "커밋  ") if language == "ko" else ("Files  ", "Commit  ")
    rows = []
    for name, part in zip(names, (SectionKind.FILES, SectionKind.COMMIT), strict=True):
        lines = strip_emphasis(entry.text_of_sections(part)).splitlines()
        if values := ", ".join(line.lstrip("-*+ ") for line in lines if line.strip()):
            rows.append(hanging_indent(Content.styled(name, MUTED), values, width))
    return Content("\n").join(rows)


def _wrap_lines(text: str, width: int) -> Content:
    return Content("\n").join(hanging_indent(Content(""), line, width) for line in text.splitlines())


def _render_used_values(step: RunbookStep, width: int) -> Content:
    rows = []
    for source, value in step.substitutions:
        others = f"; {value.alternative_count} other candidates" if value.alternative_count else ""
        head = Content.styled(f"{source} = ", MUTED)
        rows.append(hanging_indent(head, f"{value.value}  ({value.source}{others})", width))
    return Content("\n").join(rows)


def _render_final_step(cause_check: CauseCheck, language: str, width: int) -> Iterable[Content]:
    korean = language == "ko"
    yield hanging_indent(
        Content(""),
        "Enter: 다시 확인한 뒤 이 항목으로 해결되었는지 묻습니다."
        if korean
        else "Enter checks again, then asks whether this entry solved it.",
        width,
        "bold",
    )
    rows = [*cause_check.findings, *cause_check.other_findings]
    if rows:
        yield _render_findings(rows, width)
    if cause_check.other_findings:
        yield Content.styled("This belongs to another entry." if not korean else "다른 항목에 해당합니다.", MUTED)


def _render_findings(findings: Sequence[Finding], width: int) -> Content:
    return Content("\n").join(
        hanging_indent(Content.styled(f"{state_icon(one.state)} ", state_style(one.state)), one.summary, width)
        for one in findings
    )


def _render_last_check(step_id: str, reports: Mapping[str, Report], width: int) -> Content:
    """The last check of the rebuild step behind a manual step."""
    report = reports.get(step_id)
    title = STEPS_BY_ID[step_id].title
    if report is None:
        return Content.styled(f"Enter checks {title}.", MUTED)
    problems = [one for one in report.findings if one.state.value in ("blocked", "unknown", "warn")]
    checked_at = time.strftime("%H:%M:%S", time.localtime(report.started))
    head = Content.styled(f"{title}, checked at {checked_at}; Enter checks again.", MUTED)
    return Content("\n").join([head, _render_findings(problems or report.findings[:1], width)])
