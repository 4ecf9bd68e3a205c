"""The panel of the cleanup step: choose leftovers, consent by typing, watch them go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from checks.cleanup.model import CleanupDetail, ItemState, Leftover, Progress, counted
from checks.finding import Report
from screens.dialogs import Typed
from screens.messages import CleanupApproved, CommandOutput
from screens.steps.panel import StepPanel
from screens.style.columns import hang
from screens.style.icons import leftovers

MARK = {True: "[x]", False: "[ ]"}
WORD = {
    ItemState.WAITING: "waiting",
    ItemState.DELETING: "▶ deleting",
    ItemState.FAILED: "✗ failed",
    ItemState.SKIPPED: "· skipped",
    ItemState.GONE: "✓ gone",
}

SIGN = {
    ItemState.WAITING: " ○ ",
    ItemState.DELETING: " ▶ ",
    ItemState.FAILED: " ✗ ",
    ItemState.SKIPPED: " · ",
    ItemState.GONE: " ✓ ",
}
"""In the place of the mark while a deletion runs: it stays in sight where the terminal is narrow."""

SHOWN = 3
"""Others that the line about a leftover names."""


def _several(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


class Panel(StepPanel):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "mark",
            "Mark",
            show=False,
            tooltip="Choose this leftover, or leave it",
            id="cleanup.mark",
        ),
        Binding(
            "p",
            "mark_proven",
            "Proven",
            show=False,
            tooltip="Choose everything proven to be ours",
            id="cleanup.proven",
        ),
        Binding("a", "mark_all", "All / none", show=False, id="cleanup.all"),
        Binding(
            "d",
            "delete",
            "Delete",
            tooltip="Delete what is chosen, after you typed your consent",
            id="cleanup.delete",
        ),
    ]

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.detail = CleanupDetail()
        self.chosen: set[str] = set()
        self.progress: dict[str, Progress] = {}
        self._touched = False
        self._pointed_at: tuple[str, ...] = ()
        """What another step pointed at before there was a list to choose from."""

    def compose_own(self) -> Iterable[Widget]:
        yield Static("Leftovers", classes="own-title")
        yield DataTable(cursor_type="row", classes="own-table", zebra_stripes=True)
        yield Static(classes="own")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for key, label in (
            ("mark", ""),
            ("kind", "kind"),
            ("name", "name"),
            ("whose", "whose"),
            ("cost", "$/month"),
            ("state", "state"),
            ("why", "why"),
        ):
            table.add_column(label, key=key)
        super().on_mount()

    def show_own(self, report: Report) -> None:
        if not report.detail:
            return
        self.detail = msgspec.convert(report.detail, type=CleanupDetail)
        known = {one.key for one in self.detail.resources if one.deletable}
        self.chosen &= known
        if not self._touched:
            self.chosen = {one.key for one in self.detail.resources if one.preselected}
        if self.step not in self.rebuild.running:
            self.progress = {}
        self._fill()
        if self._pointed_at:
            keys, self._pointed_at = self._pointed_at, ()
            self.preselect(keys)

    def _fill(self) -> None:
        table = self.query_one(DataTable)
        row = table.cursor_row
        table.clear()
        for one in self.detail.resources:
            # Text, not str: a str would be read as markup.
            table.add_row(*(Text(cell) for cell in self._cells(one)), key=one.key)
        shown = bool(self.detail.resources)
        table.display = shown
        self.query_one(".own-title").display = shown
        if shown:
            table.move_cursor(row=min(row, len(self.detail.resources) - 1))
        self._say()

    def _cells(self, one: Leftover) -> tuple[str, ...]:
        progress = self.progress.get(one.key)
        at = ItemState(progress.state) if progress and progress.state else None
        mark = SIGN[at] if at else MARK[one.key in self.chosen] if one.deletable else " - "
        state = WORD[at] if at else one.state
        why = (progress.message if progress else "") or one.protected or one.why
        cost = "" if not one.billed else "?" if one.monthly is None else f"{one.monthly:,.2f}"
        return mark, one.kind, one.name, one.ownership.value, f"{cost:>7}", state, why

    def _say(self) -> None:
        """Below the table: the row under the cursor in full, then what is chosen and what it means."""
        table = self.query_one(DataTable)
        lines = []
        if self.detail.resources and table.cursor_row < len(self.detail.resources):
            one = self.detail.resources[table.cursor_row]
            parts = [
                one.protected or one.why,
                one.state,
                one.size,
                one.age,
                one.cost,
                f"used by {_several(one.uses)}" if one.uses else "",
                f"goes after {_several(one.blocked_by)}" if one.blocked_by else "",
                f"holds {_several(one.blocks)}" if one.blocks else "",
            ]
            told = "; ".join(part for part in parts if part)
            lines.append(hang(Content.styled(f"{one.name}  ", "bold"), told, self.room))
        text = f"{len(self.chosen)} of {len(self.detail.resources)} chosen."
        if cost := self.detail.cost(self.chosen):
            text += f" {cost}."
        if any(one.key in self.chosen and one.kind == "cloudfront" for one in self.detail.resources):
            text += " A CloudFront distribution goes only when it is disabled and deployed: minutes."
        text += "  Space marks, p marks what is proven, d deletes what is marked."
        lines.append(hang(Content(""), text, self.room, "$foreground 62%"))
        own = self.query_one(".own", Static)
        own.update(Content("\n").join(lines))
        own.display = bool(self.detail.resources)

    def preselect(self, keys: tuple[str, ...]) -> None:
        """Choose what another step points at, by key or by `kind:word` (an id, a name or an ARN).

        Nothing else stays chosen, unless the operator chose it: who comes to delete one thing does not delete seven.
        """
        if self.report is None:
            self._pointed_at = keys
            return
        wanted = set(keys)
        marked = {
            one.key
            for one in self.detail.resources
            if one.deletable
            and wanted & {one.key, *(f"{one.kind}:{word}" for word in (one.id, one.name, one.arn))}
        }
        self.chosen = self.chosen | marked if self._touched else marked
        self._touched = True
        self._fill()
        if not marked:
            self.notify(
                "None of that is among these leftovers: cleanup's settings do not match it, or it is kept.",
                severity="warning",
                markup=False,
            )
        table = self.query_one(DataTable)
        first = next((at for at, one in enumerate(self.detail.resources) if one.key in marked), None)
        if first is not None:
            table.move_cursor(row=first)
        table.focus()

    @on(DataTable.RowHighlighted)
    def _row_highlighted(self) -> None:
        if self.step not in self.rebuild.running:
            self._say()

    @on(DataTable.RowSelected)
    def _row_selected(self) -> None:
        self.action_mark()

    def action_mark(self) -> None:
        table = self.query_one(DataTable)
        if not self.detail.resources or not table.display:
            return
        one = self.detail.resources[table.cursor_row]
        if not one.deletable:
            self.notify(
                f"{one.name}: {one.protected or one.why}. It is never deleted from here.", markup=False
            )
            return
        self._touched = True
        self.chosen ^= {one.key}
        table.update_cell(one.key, "mark", Text(MARK[one.key in self.chosen]))
        self._say()

    def action_mark_proven(self) -> None:
        self._choose({one.key for one in self.detail.resources if one.preselected})

    def action_mark_all(self) -> None:
        deletable = {one.key for one in self.detail.resources if one.deletable}
        self._choose(set() if self.chosen == deletable else deletable)

    def _choose(self, keys: set[str]) -> None:
        """These, and no others; only the cells that change are drawn anew: there may be thousands."""
        self._touched = True
        table = self.query_one(DataTable)
        changed, self.chosen = self.chosen ^ keys, keys
        for key in changed:
            table.update_cell(key, "mark", Text(MARK[key in keys]))
        self._say()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("mark", "mark_proven", "mark_all", "delete"):
            return bool(self.detail.resources)
        return super().check_action(action, parameters)

    def action_delete(self) -> None:
        if not self.chosen:
            self.notify("Nothing is chosen. Space chooses a leftover, p everything proven.", markup=False)
            return
        # As it is shown now: a look that ends while consent is typed changes nothing of what is agreed to.
        detail = self.detail
        chosen = [one for one in detail.resources if one.key in self.chosen]
        expected = f"{self.detail.account_name or self.detail.account} {len(chosen)}"
        lines = [
            Content(f"Deleted for good, in account {self.detail.account} ({self.detail.account_name}):"),
            Content(""),
        ]
        for one in chosen:
            doubt = "   matched by name only: is it ours?" if one.ownership.value == "name-only" else ""
            lines.append(
                Content.assemble(f"  {one.kind:<16} {one.name}", Content.styled(doubt, "$text-warning"))
            )
        lines.append(Content(""))
        if cost := self.detail.cost(self.chosen):
            lines += [Content(f"{'' if cost.startswith('The') else 'They cost '}{cost}."), Content("")]
        lines.append(
            Content(
                "Who you are is asked again first; what has changed since this list is left alone; dependencies go in order."
                " It begins after a pause of some seconds, in which i leaves everything as it is."
            )
        )

        def typed(answer: str | None) -> None:
            if answer:
                self.post_message(CleanupApproved(detail, tuple(one.key for one in chosen)))

        self.app.push_screen(
            Typed(f"Delete {leftovers(len(chosen))}", Content("\n").join(lines), expected), typed
        )

    def show_output(self, output: CommandOutput) -> None:
        super().show_output(output)
        table = self.query_one(DataTable)
        heard = [progress for line in output.lines if (progress := _progress(line))]
        if not heard:
            return
        newest = {progress.item: progress for progress in heard if progress.item}
        self.progress |= newest
        for one in self.detail.resources if newest else ():
            if one.key in newest:
                cells = self._cells(one)
                table.update_cell(one.key, "mark", Text(cells[0]))
                table.update_cell(one.key, "state", Text(cells[5]), update_width=True)
                table.update_cell(one.key, "why", Text(cells[6]))
        self._say_progress(heard[-1])

    def _say_progress(self, progress: Progress) -> None:
        counts = "  ".join(f"{name} {count}" for name, count in progress.counts.items() if count)
        names = {one.key: one.name for one in self.detail.resources}
        said = progress.message
        if progress.item:
            said = f"{names.get(progress.item, progress.item)}: {said}"
        elif said.startswith(told := counted(progress.counts)):  # the heartbeat has them too
            said = said.removeprefix(told).removeprefix("; ")
        self.query_one(".own", Static).update(
            Content("\n").join((Content.styled(counts, "bold"), hang(Content(""), said, self.room)))
        )


def _progress(line: str) -> Progress | None:
    if not line.startswith("{"):
        return None
    try:
        return msgspec.json.decode(line, type=Progress)
    except msgspec.DecodeError:
        return None
