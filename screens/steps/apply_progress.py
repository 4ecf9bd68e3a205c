"""Draws a running apply: its progress, operations against their usual times, errors with their guide entries, outputs;
and the stages of the team's script."""

from __future__ import annotations

import json
from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.apply.run.progress import OperationRow, RemainingTimeEstimate, format_approximate, operation_rows
from checks.apply.run.stream import ApplyProgress
from checks.apply.state.tainted import CONTEXT_CANCELED, EXECUTION_HALTED
from checks.duration import format_stopwatch
from checks.script.stages import ScriptStage, StageParser
from screens.style.columns import hanging_indent, pad_cells, render_bar
from screens.style.themes import MUTED

BAR_WIDTH = 24
MAX_FINISHED_ROWS = 6
"""Finished rows kept in view below the running ones."""
MAX_PROVISIONER_LINES = 5
"""Lines of provisioners kept in view."""
MAX_ERRORS = 8
MAX_ADDRESSES = 3
MAX_ERROR_LINES = 4
"""Lines of one error."""
MAX_OUTPUTS = 12
WIDE_WIDTH = 84
"""Cells from which there is room to say what a usual time rests on."""
STAGE_PATTERNS = (r"^\[stage \d+, after [^\]]+\] (.*)$",)
"""How `ecotui script --run` announces a stage."""
MAX_STAGES = 14
"""Stages that are drawn: the last ones; the log has them all."""


class ApplyProgressView(Vertical):
    """The running apply. The cursor among the running operations stays on its resource."""

    DEFAULT_CSS = """
    ApplyProgressView { height: auto; margin: 0 0 1 1; display: none; }
    ApplyProgressView Static { height: auto; }
    ApplyProgressView .apply-operations { height: auto; max-height: 60vh; margin: 0; border: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[OperationRow, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="apply-header")
        yield OptionList(classes="apply-operations", markup=False)
        yield Static(classes="apply-details")

    @property
    def selected_row(self) -> OperationRow | None:
        """The running resource under the cursor."""
        index = self.query_one(OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show(self, progress: ApplyProgress, estimate: RemainingTimeEstimate, now: float, width: int) -> None:
        """`now`: seconds since the epoch. `width`: cells for a line."""
        rows = operation_rows(progress, now)
        self.query_one(".apply-header", Static).update(
            Content("\n").join(_render_header(progress, estimate, rows, now, width))
        )
        options = self.query_one(OptionList)
        chosen = self.selected_row
        lines = [_render_running_row(row, width - 2) for row in rows]
        if [(row.address, row.action) for row in rows] == [(row.address, row.action) for row in self._rows]:
            for index, line in enumerate(lines):
                options.replace_option_prompt_at_index(index, line)
        else:
            options.clear_options()
            options.add_options([Option(line) for line in lines])
            if rows:
                options.highlighted = next(
                    (
                        index
                        for index, row in enumerate(rows)
                        if chosen and (row.address, row.action) == (chosen.address, chosen.action)
                    ),
                    0,
                )
        if len(rows) != len(self._rows):
            self.screen.refresh_bindings()
        self._rows = rows
        options.display = bool(rows)
        self.query_one(".apply-details", Static).update(Content("\n").join(_render_details(progress, width)))


def _render_header(
    progress: ApplyProgress, estimate: RemainingTimeEstimate, rows: tuple[OperationRow, ...], now: float, width: int
) -> list[Content]:
    share = progress.done_count / progress.total_count if progress.total_count else 0.0
    total = str(progress.total_count) if progress.total_count else "?"
    elapsed = max(now - progress.started_at, 0.0) if progress.started_at else 0.0
    left = estimate.remaining_seconds(progress, now)
    rest = "" if left is None or not progress.started_at or not rows else f", {format_approximate(left)} left"
    failed = (
        Content.styled(f"   ✗ {progress.failed_count} failed", "bold $text-error")
        if progress.failed_count
        else Content("")
    )
    wide = width >= 76
    lines = [
        Content.assemble(
            render_bar(share, BAR_WIDTH if wide else 12, "$text-accent"),
            Content.styled(f" {progress.done_count} of {total}", "bold"),
            f"   {len(rows)} running" if wide else "",
            failed,
            f"   {format_stopwatch(elapsed)}{rest}",
        )
    ]
    if not (rows or progress.done_count or progress.failed_count or progress.is_complete):
        waits = "nothing started yet: terraform starts the provider, takes the lock and reads the state"
        lines.append(hanging_indent(Content(""), waits, width, MUTED))
    if any(row.is_late for row in rows):
        lines.append(
            hanging_indent(Content.styled("! ", "$text-warning"), "slower than usual: w asks AWS why", width, MUTED)
        )
    return [*lines, Content("")]


def _render_running_row(row: OperationRow, width: int) -> Content:
    """`▶ aws_nat_gateway.main  create  1:42 of about 2 min (3×)`, and the last line of its provisioner."""
    # What takes a moment needs no forecast.
    usual = f"of {format_approximate(row.typical.seconds)}" if row.typical.seconds >= 8 else ""
    basis = f" ({row.typical.short_basis})" if usual and width >= WIDE_WIDTH else ""
    late = "  late" if row.is_late else ""
    times = f"{row.action:<6} {format_stopwatch(row.elapsed):>6} {usual}{basis}".rstrip()
    # Columns: the same for all rows, whatever this one shows.
    room = min(max(width - 4 - (42 if width >= WIDE_WIDTH else 34), 20), 52)
    line = Content.assemble(
        Content.styled("! " if row.is_late else "▶ ", "$text-warning" if row.is_late else "$text-accent"),
        pad_cells(Content(truncate_address(row.address, room)), room),
        "  ",
        Content.styled(times, MUTED),
        Content.styled(late, "$text-warning"),
    )
    if not row.note:
        return line
    return Content("\n").join([line, Content.styled(f"    {row.note}", MUTED).truncate(width, ellipsis=True)])


def _render_details(progress: ApplyProgress, width: int) -> list[Content]:
    lines = render_apply_errors(progress, width)
    # terraform reports at once that an operation failed, and only at the end why.
    explained = {error.address for error in progress.errors}
    explained |= set(progress.crash.addresses if progress.crash else ())
    for failure in [one for one in progress.failed_operations if one.address not in explained][:MAX_ERRORS]:
        failed = f"failed after {format_stopwatch(failure.duration)}; terraform says why at the end"
        lines.append(
            Content.assemble(
                Content.styled("✗ ", "$text-error"),
                truncate_address(failure.address, max(width - 52, 20)),
                Content.styled(f"  {failed}", MUTED),
            )
        )
    if progress.provisioner_lines:
        lines += [Content(""), Content.styled("Provisioners", "bold $text-primary")]
        lines += [
            Content.styled(f"│ {line}", MUTED).truncate(width, ellipsis=True)
            for line in progress.provisioner_lines[-MAX_PROVISIONER_LINES:]
        ]
    if progress.finished_operations:
        lines.append(Content(""))
        room = min(max(width - 4 - (42 if width >= WIDE_WIDTH else 34) - 2, 20), 52)
        for done in reversed(progress.finished_operations[-MAX_FINISHED_ROWS:]):
            lines.append(
                Content.assemble(
                    Content.styled("✓ ", "$text-success"),
                    pad_cells(Content(truncate_address(done.address, room)), room),
                    Content.styled(f"  {done.action:<6} {format_stopwatch(done.duration):>6}", MUTED),
                )
            )
        if len(progress.finished_operations) > MAX_FINISHED_ROWS:
            more = len(progress.finished_operations) - MAX_FINISHED_ROWS
            lines.append(Content.styled(f"  and {more} finished before", MUTED))
    return lines


def render_apply_errors(progress: ApplyProgress, width: int) -> list[Content]:
    """The errors so far, each with its guide entries."""
    lines: list[Content] = []
    halted = any(one.summary == EXECUTION_HALTED for one in progress.errors)
    left = [one.address for one in progress.errors if halted and CONTEXT_CANCELED in one.summary]
    shown = [
        (index, one)
        for index, one in enumerate(progress.errors)
        if one.summary != EXECUTION_HALTED and not (halted and CONTEXT_CANCELED in one.summary)
    ]
    if halted:
        notes = ["terraform was asked to stop"]
        if left:
            notes.append(f"it no longer waited for {_format_addresses(left)}: they may exist all the same")
        if shown:
            notes.append("operations that it did not start any more may be reported as errors")
        lines.append(hanging_indent(Content.styled("! ", "$text-warning"), "; ".join(notes), width))
    for index, error in shown[:MAX_ERRORS]:
        lines.append(hanging_indent(Content.styled("✗ ", "$text-error"), _clip_error(error.summary), width))
        where = "  ".join(part for part in (error.address, error.location) if part)
        if where:
            lines.append(hanging_indent(Content("  "), where, width, MUTED))
        for one in progress.explanations:
            if one.error == index:
                lines.append(hanging_indent(Content("  "), f"guide {one.entry}: {one.title}", width, "$text-accent"))
    if len(shown) > MAX_ERRORS:
        lines.append(Content.styled(f"  and {len(shown) - MAX_ERRORS} more: l opens the log", MUTED))
    return lines


def _format_addresses(addresses: list[str]) -> str:
    """`3 (a.x, a.y, a.z)`, the first ones by name."""
    more = ", …" if len(addresses) > MAX_ADDRESSES else ""
    return f"{len(addresses)} ({', '.join(addresses[:MAX_ADDRESSES])}{more})"


def _clip_error(text: str) -> str:
    """The first lines of an error: some have a page, as that of a provider that cannot be started."""
    lines = text.splitlines()
    return text if len(lines) <= MAX_ERROR_LINES else "\n".join([*lines[:MAX_ERROR_LINES], "… (l opens the log)"])


def render_apply_outcome(progress: ApplyProgress, width: int) -> list[Content]:
    """How the apply that was followed last ended: its summary, errors and outputs."""
    lines = []
    if progress.summary:
        lines.append(Content.assemble(Content.styled("✓ ", "$text-success"), progress.summary))
    lines += render_apply_errors(progress, width)
    if progress.outputs:
        lines.append(Content.styled("Outputs", "bold $text-primary"))
        names = list(progress.outputs)[:MAX_OUTPUTS]
        room = min(max(map(cell_len, names)), 28)
        for name in names:
            label = pad_cells(Content.styled(f"  {name}", MUTED), room + 4)
            lines.append(
                Content.assemble(label, _format_output_value(progress.outputs[name])).truncate(width, ellipsis=True)
            )
        if len(progress.outputs) > MAX_OUTPUTS:
            lines.append(Content.styled(f"  and {len(progress.outputs) - MAX_OUTPUTS} more", MUTED))
    return lines


def truncate_address(address: str, width: int) -> str:
    """An address that is too long loses its beginning: its end tells what it is."""
    return address if cell_len(address) <= width else f"…{address[-(width - 1) :]}"


def _format_output_value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def render_stages(stages: StageParser, now: float, width: int, *, running: bool) -> list[Content]:
    """One line a stage, the last ones; nothing when none was seen."""
    every = stages.stages
    lines = [_render_stage(one, now, width, running=running and not one.ended_at) for one in every[-MAX_STAGES:]]
    if len(every) > MAX_STAGES:
        lines.insert(0, Content.styled(f"{len(every) - MAX_STAGES} stages before", MUTED))
    return lines


def _render_stage(stage: ScriptStage, now: float, width: int, *, running: bool) -> Content:
    sign = Content.styled("▶ " if running else "✓ " if stage.ended_at else "· ", "$text-primary" if running else "")
    time = Content.styled(f"{format_stopwatch(stage.duration_seconds(now)):>8}  ", MUTED)
    return hanging_indent(sign + time, stage.title, width)
