"""How a walk is drawn: the rows of its steps, one step in full, the verdict of the live check."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from textual.content import Content

from checks.finding import Copy, Finding, Report, Risk, Visit
from checks.steps import BY_ID
from ecotui.guide.cause import Cause, Verdict
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.overlay import Correction
from ecotui.guide.reading.sections import Part
from ecotui.guide.runbook.step import Kind, Step, plain
from screens.style.columns import hang, padded, wrapped
from screens.style.icons import RISK_STYLE, RISK_WORD, sign, style

MUTED = "$foreground 62%"
LABEL = 28
"""Letters of a label in front of a command."""
SCRIPT_LINES = 120
"""Lines of a script or file that are shown; copying takes all of them."""

_CAUSE = {
    Cause.PRESENT: ("✗", "$text-error"),
    Cause.ABSENT: ("✓", "$text-success"),
    Cause.UNKNOWN: ("?", "$text-accent"),
    Cause.LOOKING: ("…", "$text-accent"),
    Cause.NOT_LOOKED: ("○", MUTED),
    Cause.NO_CHECK: ("·", MUTED),
}

END_TITLE = {"en": "Check again, and say whether it helped", "ko": "다시 확인하고, 해결되었는지 기록"}


def verdict_line(verdict: Verdict, language: str, width: int, lines: int = 2) -> Content:
    """The verdict in words, in at most so many lines, with the time of the look."""
    # What is wrong in another way is not shown as if all were well.
    mark, colour = ("!", "$text-warning") if verdict.elsewhere else _CAUSE[verdict.cause]
    when = ""
    if verdict.looked is not None:
        when = time.strftime("  %H:%M:%S", time.localtime(verdict.looked))
    text = wrapped(verdict.words(language), max(width - 2, 20))
    if len(text) > lines:
        text = [*text[: lines - 1], f"{text[lines - 1][:-1]}…"]
    rows = [Content.assemble(Content.styled(f"{mark} ", colour), Content.styled(text[0], f"bold {colour}"))]
    rows += [Content.assemble("  ", Content.styled(line, f"bold {colour}")) for line in text[1:]]
    if when and rows[-1].cell_length + len(when) <= width:
        rows[-1] = Content.assemble(rows[-1], Content.styled(when, MUTED))
    return Content("\n").join(rows)


def error_lines(error: str, width: int, lines: int) -> Content:
    """The error that led here, its first lines that say something."""
    said = [" ".join(line.split()) for line in error.splitlines() if line.strip(" \t│╷╵|")]
    said.sort(key=lambda line: "error" not in line.lower())
    if not said:
        return Content("")
    text = wrapped(" ".join(said[:3]), max(width - 8, 20))
    if len(text) > lines:
        text = [*text[: lines - 1], f"{text[lines - 1][:-1]}…"]
    head = Content.styled("Error  ", "bold $text-error")
    rows = [Content.assemble(head, Content(text[0])), *(Content(f"       {line}") for line in text[1:])]
    return Content("\n").join(rows)


def correction_lines(corrections: Sequence[Correction], language: str, width: int) -> Content:
    """What is wrong or short in an entry, and what proves that."""
    title, proof = (
        ("이 항목에 대한 정정", "근거: ")
        if language == "ko"
        else ("Corrections to this entry", "Verified by ")
    )
    parts = [Content.styled(title, "bold $text-warning")]
    for note in corrections:
        parts.append(hang(Content.styled("! ", "$text-warning"), plain(note.said(language)), width))
        if note.verified:
            parts.append(hang(Content("  "), f"{proof}{note.verified}", width, MUTED))
    return Content("\n").join(parts)


def heading_of(step: Step, language: str) -> str:
    """What a step stands under in the list."""
    korean = language == "ko"
    if step.kind is Kind.END:
        return "끝으로" if korean else "In the end"
    if step.kind is Kind.FIX:
        return f"{'확인 결과에서' if korean else 'From the check'}: {step.way}"
    return step.way


def title_of(step: Step, language: str) -> str:
    """What a step is called, in one line."""
    if step.kind is Kind.END:
        return END_TITLE["ko" if language == "ko" else "en"]
    return step.title.split("\n")[0]


def row(step: Step, number: int, mark: str, language: str, width: int) -> Content:
    """One line of the list of steps."""
    colour = {"✓": "$text-success", "✗": "$text-error", "▶": "$text-accent"}.get(mark, MUTED)
    tail = ""
    action = step.fix.action if step.fix is not None else None
    if step.kind in (Kind.SCRIPT, Kind.FILE) or isinstance(action, Copy):
        tail = "copy"
    elif step.risk is Risk.DESTROYS:
        tail = "destroys"
    head = Content.assemble(Content.styled(f"{mark} ", colour), Content.styled(f"{number:>2} ", MUTED))
    room = width - head.cell_length - (len(tail) + 1 if tail else 0)
    title = Content(title_of(step, language))
    if step.kind is Kind.FIX:
        title = title.stylize("bold")
    elif label := _label(step):
        # Long commands begin alike: what the text calls this one tells them apart.
        title = Content.assemble(f"{label}: ", Content.styled(title.plain, MUTED))
    line = Content.assemble(head, padded(title, max(room, 8)))
    if tail:
        end = Content.styled(f" {tail}", RISK_STYLE[Risk.DESTROYS] if tail == "destroys" else MUTED)
        line = Content.assemble(line, end)
    return line


def _label(step: Step) -> str:
    """What the text calls a command, where that is short: `Manual request`."""
    if step.kind not in (Kind.COMMAND, Kind.SCRIPT):
        return ""
    label = step.note.split("\n")[0].rstrip(" :：")
    return label if len(label) <= LABEL and label not in step.title else ""


def detail(
    step: Step,
    language: str,
    width: int,
    *,
    verdict: Verdict,
    reports: Mapping[str, Report],
    corrections: Sequence[str] = (),
    entry: Entry | None = None,
) -> Content:
    """One step in full."""
    parts: list[Content] = []
    if step.kind is Kind.END:
        parts += _end(verdict, language, width)
    else:
        head = step.way if step.kind in (Kind.COMMAND, Kind.SCRIPT) and step.argv else ""
        title = step.title if step.kind in (Kind.FIX, Kind.HAND, Kind.FILE) else (head or step.way)
        if title:
            parts.append(hang(Content(""), title, width, "bold"))
        if step.note and step.note != step.title:
            parts.append(_lines(step.note, width))
    if step.text and step.kind not in (Kind.SCRIPT, Kind.FILE):
        parts.append(hang(Content.styled("$ ", "$text-accent"), step.text, width, "bold $text-accent"))
    if step.used:
        parts.append(_used(step, width))
    if step.missing:
        said = f"Needs a value: {', '.join(step.missing)}. e fills it in."
        parts.append(hang(Content(""), said, width, "$text-warning"))
    if step.stdin_secret:
        said = f"{step.stdin_secret} is asked for, masked, and given to its standard input."
        parts.append(hang(Content(""), said, width, MUTED))
    if step.reason:
        parts.append(
            hang(Content(""), f"Only to copy (c, or w to a file): {step.reason}.", width, "$text-warning")
        )
    elif step.runs and step.kind in (Kind.FIX, Kind.COMMAND):
        parts.append(Content.styled(f"Risk: {RISK_WORD[step.risk]}", RISK_STYLE[step.risk]))
    if step.kind in (Kind.SCRIPT, Kind.FILE):
        shown = step.text.splitlines()
        more = [f"… {len(shown) - SCRIPT_LINES} more lines"] if len(shown) > SCRIPT_LINES else []
        code = [line.expandtabs(4) for line in (*shown[:SCRIPT_LINES], *more)]
        parts.append(Content("\n").join(Content.styled(line, "$text-accent") for line in code))
    if step.look:
        parts.append(_looked(step.look, reports, width))
    if step.fix is not None and isinstance(step.fix.action, Visit):
        there = BY_ID[step.fix.action.step].title
        said = f"Enter goes to the {there} screen; b there comes back here."
        if step.risk is Risk.DESTROYS:
            said = f"Enter deletes exactly these, after you typed your consent; b goes to the {there} screen."
        parts.append(hang(Content(""), said, width, MUTED))
    if step.visit:
        where = "the search" if step.visit == "guide" else f"the {BY_ID[step.visit].title} screen"
        parts.append(Content.styled(f"Enter goes to {where}.", MUTED))
    if entry is not None and step.kind in (Kind.FILE, Kind.HAND, Kind.SCRIPT):
        parts.append(_done_before(entry, language, width))
    if corrections and step.kind not in (Kind.FIX, Kind.END):
        title = "이 항목에 대한 정정" if language == "ko" else "Corrections to this entry"
        parts.append(Content.styled(title, "bold $text-warning"))
        parts += [hang(Content.styled("! ", "$text-warning"), plain(note), width) for note in corrections]
    return Content("\n\n").join(part for part in parts if part.plain)


def _done_before(entry: Entry, language: str, width: int) -> Content:
    """Which files the fix changed, and in which commit: where to look for how it was done."""
    names = ("적용 파일  ", "커밋  ") if language == "ko" else ("Files  ", "Commit  ")
    rows = []
    for name, part in zip(names, (Part.FILES, Part.COMMIT), strict=True):
        if said := entry.of(part):
            told = ", ".join(line.lstrip("-*+ ") for line in plain(said).splitlines() if line.strip())
            rows.append(hang(Content.styled(name, MUTED), told, width))
    return Content("\n").join(rows)


def _lines(text: str, width: int) -> Content:
    return Content("\n").join(hang(Content(""), line, width) for line in text.splitlines())


def _used(step: Step, width: int) -> Content:
    rows = []
    for was, known in step.used:
        others = f"; {known.others} more like it" if known.others else ""
        head = Content.styled(f"{was} = ", MUTED)
        rows.append(hang(head, f"{known.value}  ({known.source}{others})", width))
    return Content("\n").join(rows)


def _end(verdict: Verdict, language: str, width: int) -> Iterable[Content]:
    korean = language == "ko"
    yield hang(
        Content(""),
        "Enter: 다시 확인한 뒤, 이 항목이 문제를 해결했는지 묻습니다."
        if korean
        else "Enter looks again, and then asks whether this entry solved it.",
        width,
        "bold",
    )
    rows = [*verdict.findings, *verdict.elsewhere]
    if rows:
        yield _findings(rows, width)
    if verdict.elsewhere:
        yield Content.styled("That is another entry's." if not korean else "다른 항목에 해당합니다.", MUTED)


def _findings(findings: Sequence[Finding], width: int) -> Content:
    return Content("\n").join(
        hang(Content.styled(f"{sign(one.state)} ", style(one.state)), one.summary, width) for one in findings
    )


def _looked(step: str, reports: Mapping[str, Report], width: int) -> Content:
    """What the rebuild's own look says about a step that is done by hand."""
    report = reports.get(step)
    title = BY_ID[step].title
    if report is None:
        return Content.styled(f"Enter looks at {title}.", MUTED)
    told = [one for one in report.findings if one.state.value in ("blocked", "unknown", "warn")]
    when = time.strftime("%H:%M:%S", time.localtime(report.started))
    head = Content.styled(f"{title}, looked at {when}; Enter looks again.", MUTED)
    return Content("\n").join([head, _findings(told or report.findings[:1], width)])
