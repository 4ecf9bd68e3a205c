"""The live part of the apply panel: how far, what runs against its usual time, errors with the guide's word, outputs."""

from __future__ import annotations

import json
from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.apply.run.progress import Estimate, Row, about, running
from checks.apply.run.stream import ApplyProgress
from checks.apply.state.tainted import CANCELED, HALTED
from checks.duration import stopwatch
from screens.style.columns import bar, hang, padded

BAR = 24
SHOWN = 6
"""Finished rows kept in view below the running ones."""
SPOKEN = 5
"""Lines of provisioners kept in view."""
ERRORS = 8
NAMED = 3
LINES = 4
"""Lines of one error."""
OUTPUTS = 12
FAINT = "$foreground 62%"
WIDE = 84
"""Cells from which there is room to say what a usual time rests on."""


class LiveApply(Vertical):
    """Drawn again with every moment of the run; the cursor among what runs stays on its resource."""

    DEFAULT_CSS = """
    LiveApply { height: auto; margin: 0 0 1 1; display: none; }
    LiveApply Static { height: auto; }
    LiveApply .live-running { height: auto; max-height: 60vh; margin: 0; border: none; }
    """

    def __init__(self) -> None:
        super().__init__(classes="live")
        self._rows: tuple[Row, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="live-head")
        yield OptionList(classes="live-running", markup=False)
        yield Static(classes="live-rest")

    @property
    def chosen(self) -> Row | None:
        """The running resource under the cursor."""
        index = self.query_one(OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show(self, progress: ApplyProgress, estimate: Estimate, now: float, width: int) -> None:
        """`now`: seconds since the epoch. `width`: cells for a line."""
        rows = running(progress, now)
        self.query_one(".live-head", Static).update(
            Content("\n").join(_head(progress, estimate, rows, now, width))
        )
        options = self.query_one(OptionList)
        chosen = self.chosen
        lines = [_running_line(row, width - 2) for row in rows]
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
        self.query_one(".live-rest", Static).update(Content("\n").join(_rest(progress, width)))


def _head(
    progress: ApplyProgress, estimate: Estimate, rows: tuple[Row, ...], now: float, width: int
) -> list[Content]:
    share = progress.done / progress.total if progress.total else 0.0
    total = str(progress.total) if progress.total else "?"
    elapsed = max(now - progress.started, 0.0) if progress.started else 0.0
    left = estimate.left(progress, now)
    rest = "" if left is None or not progress.started or not rows else f", {about(left)} left"
    failed = (
        Content.styled(f"   ✗ {progress.failed} failed", "bold $text-error")
        if progress.failed
        else Content("")
    )
    wide = width >= 76
    lines = [
        Content.assemble(
            bar(share, BAR if wide else 12, "$text-accent"),
            Content.styled(f" {progress.done} of {total}", "bold"),
            f"   {len(rows)} running" if wide else "",
            failed,
            f"   {stopwatch(elapsed)}{rest}",
        )
    ]
    if not (rows or progress.done or progress.failed or progress.complete):
        waits = "nothing is begun yet: terraform starts the provider, takes the lock and reads the state"
        lines.append(hang(Content(""), waits, width, FAINT))
    if any(row.late for row in rows):
        lines.append(
            hang(Content.styled("! ", "$text-warning"), "later than usual: w asks AWS why", width, FAINT)
        )
    return [*lines, Content("")]


def _running_line(row: Row, width: int) -> Content:
    """`▶ aws_nat_gateway.main  create  1:42 of about 2 min (3×)`, and what its provisioner said."""
    # What takes a moment needs no forecast.
    usual = f"of {about(row.usual.seconds)}" if row.usual.seconds >= 8 else ""
    basis = f" ({row.usual.short})" if usual and width >= WIDE else ""
    late = "  late" if row.late else ""
    said = f"{row.action:<6} {stopwatch(row.elapsed):>6} {usual}{basis}".rstrip()
    # Columns: the same for all rows, whatever is said in this one.
    room = min(max(width - 4 - (42 if width >= WIDE else 34), 20), 52)
    line = Content.assemble(
        Content.styled("! " if row.late else "▶ ", "$text-warning" if row.late else "$text-accent"),
        padded(Content(ending(row.address, room)), room),
        "  ",
        Content.styled(said, FAINT),
        Content.styled(late, "$text-warning"),
    )
    if not row.note:
        return line
    return Content("\n").join([line, Content.styled(f"    {row.note}", FAINT).truncate(width, ellipsis=True)])


def _rest(progress: ApplyProgress, width: int) -> list[Content]:
    lines = errors(progress, width)
    # terraform tells the reasons at the end, and that something failed at once.
    told = {error.address for error in progress.errors}
    told |= set(progress.crash.addresses if progress.crash else ())
    for lost in [one for one in progress.broken if one.address not in told][:ERRORS]:
        failed = f"failed after {stopwatch(lost.seconds)}; terraform says why at the end"
        lines.append(
            Content.assemble(
                Content.styled("✗ ", "$text-error"),
                ending(lost.address, max(width - 52, 20)),
                Content.styled(f"  {failed}", FAINT),
            )
        )
    if progress.provision:
        lines += [Content(""), Content.styled("Provisioners", "bold $text-primary")]
        lines += [
            Content.styled(f"│ {line}", FAINT).truncate(width, ellipsis=True)
            for line in progress.provision[-SPOKEN:]
        ]
    if progress.finished:
        lines.append(Content(""))
        room = min(max(width - 4 - (42 if width >= WIDE else 34) - 2, 20), 52)
        for done in reversed(progress.finished[-SHOWN:]):
            lines.append(
                Content.assemble(
                    Content.styled("✓ ", "$text-success"),
                    padded(Content(ending(done.address, room)), room),
                    Content.styled(f"  {done.action:<6} {stopwatch(done.seconds):>6}", FAINT),
                )
            )
        if len(progress.finished) > SHOWN:
            more = len(progress.finished) - SHOWN
            lines.append(Content.styled(f"  and {more} finished before", FAINT))
    return lines


def errors(progress: ApplyProgress, width: int) -> list[Content]:
    """The errors so far, each with what the guide has about it."""
    lines: list[Content] = []
    halted = any(one.summary == HALTED for one in progress.errors)
    left = [one.address for one in progress.errors if halted and CANCELED in one.summary]
    told = [
        (index, one)
        for index, one in enumerate(progress.errors)
        if one.summary != HALTED and not (halted and CANCELED in one.summary)
    ]
    if halted:
        said = ["terraform was asked to stop"]
        if left:
            said.append(f"it no longer waited for {_counted(left)}: they may exist all the same")
        if told:
            said.append("what it could not begin any more may read as an error")
        lines.append(hang(Content.styled("! ", "$text-warning"), "; ".join(said), width))
    for index, error in told[:ERRORS]:
        lines.append(hang(Content.styled("✗ ", "$text-error"), _clipped(error.summary), width))
        where = "  ".join(part for part in (error.address, error.place) if part)
        if where:
            lines.append(hang(Content("  "), where, width, FAINT))
        for one in progress.explained:
            if one.error == index:
                lines.append(hang(Content("  "), f"guide {one.entry}: {one.title}", width, "$text-accent"))
    if len(told) > ERRORS:
        lines.append(Content.styled(f"  and {len(told) - ERRORS} more: l opens the log", FAINT))
    return lines


def _counted(addresses: list[str]) -> str:
    """`3 (a.x, a.y, a.z)`, the first ones by name."""
    more = ", …" if len(addresses) > NAMED else ""
    return f"{len(addresses)} ({', '.join(addresses[:NAMED])}{more})"


def _clipped(text: str) -> str:
    """The first lines: a provider that cannot be started tells its file's mode and architecture."""
    lines = text.splitlines()
    return text if len(lines) <= LINES else "\n".join([*lines[:LINES], "… (l opens the log)"])


def outcome(progress: ApplyProgress, width: int) -> list[Content]:
    """The end of the run that was followed last: how it ended, its errors, its outputs."""
    lines = []
    if progress.summary:
        lines.append(Content.assemble(Content.styled("✓ ", "$text-success"), progress.summary))
    lines += errors(progress, width)
    if progress.outputs:
        lines.append(Content.styled("Outputs", "bold $text-primary"))
        names = list(progress.outputs)[:OUTPUTS]
        room = min(max(map(cell_len, names)), 28)
        for name in names:
            label = padded(Content.styled(f"  {name}", FAINT), room + 4)
            lines.append(
                Content.assemble(label, _short(progress.outputs[name])).truncate(width, ellipsis=True)
            )
        if len(progress.outputs) > OUTPUTS:
            lines.append(Content.styled(f"  and {len(progress.outputs) - OUTPUTS} more", FAINT))
    return lines


def ending(address: str, width: int) -> str:
    """An address that is too long loses its beginning: its end tells what it is."""
    return address if cell_len(address) <= width else f"…{address[-(width - 1) :]}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())
