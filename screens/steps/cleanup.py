"""The panel of the cleanup step: choose leftovers, confirm their deletion, follow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from checks.cleanup.model import CleanupDetail, DeletionProgress, DeletionState, Leftover, format_counts
from checks.finding import Report
from ecotui.stream import decode_message
from screens.actions import bindings
from screens.dialogs import DeletionConfirmDialog
from screens.messages import CleanupApproved, CommandOutputReceived
from screens.steps.panel import StepPanel
from screens.style.columns import hanging_indent
from screens.style.icons import format_leftover_count
from screens.style.themes import MUTED

CHECKBOX = {True: "[x]", False: "[ ]"}
ITEM_STATE_LABEL = {
    DeletionState.WAITING: "waiting",
    DeletionState.DELETING: "▶ deleting",
    DeletionState.FAILED: "✗ failed",
    DeletionState.SKIPPED: "· skipped",
    DeletionState.GONE: "✓ gone",
}

ITEM_STATE_ICON = {
    DeletionState.WAITING: " ○ ",
    DeletionState.DELETING: " ▶ ",
    DeletionState.FAILED: " ✗ ",
    DeletionState.SKIPPED: " · ",
    DeletionState.GONE: " ✓ ",
}
"""In place of the checkbox while a deletion runs: visible on a narrow terminal too."""

MAX_NAMES = 3
"""Other leftovers that the summary of one names."""


def _join_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"


class CleanupPanel(StepPanel):
    BINDINGS: ClassVar[list[BindingType]] = bindings("cleanup")

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.detail = CleanupDetail()
        self.selected_keys: set[str] = set()
        self.progress: dict[str, DeletionProgress] = {}
        self._selection_changed = False
        self._pending_preselection: tuple[str, ...] = ()
        """Keys that another step wants chosen, before the first report."""

    def compose_detail(self) -> Iterable[Widget]:
        yield Static("Leftovers", classes="detail-title")
        yield DataTable(cursor_type="row", classes="detail-table", zebra_stripes=True)
        yield Static(classes="detail")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for key, label in (
            ("mark", ""),
            ("kind", "kind"),
            ("name", "name"),
            ("ownership", "ownership"),
            ("cost", "$/month"),
            ("state", "state"),
            ("why", "why"),
        ):
            table.add_column(label, key=key)
        super().on_mount()

    def show_detail(self, report: Report) -> None:
        if not report.detail:
            return
        self.detail = msgspec.convert(report.detail, type=CleanupDetail)
        known = {one.key for one in self.detail.resources if one.deletable}
        self.selected_keys &= known
        if not self._selection_changed:
            self.selected_keys = {one.key for one in self.detail.resources if one.preselected}
        if self.step not in self.rebuild.running_commands:
            self.progress = {}
        self._fill_table()
        if self._pending_preselection:
            keys, self._pending_preselection = self._pending_preselection, ()
            self.preselect(keys)

    def verdict_summary(self, report: Report) -> str:
        count = sum(one.deletable for one in self.detail.resources)
        return format_leftover_count(count) if count else super().verdict_summary(report)

    def _fill_table(self) -> None:
        table = self.query_one(DataTable)
        row = table.cursor_row
        table.clear()
        for one in self.detail.resources:
            # Text, not str: a str would be read as markup.
            table.add_row(*(Text(cell) for cell in self._table_cells(one)), key=one.key)
        shown = bool(self.detail.resources)
        table.display = shown
        self.query_one(".detail-title").display = shown
        if shown:
            table.move_cursor(row=min(row, len(self.detail.resources) - 1))
        self._show_summary()

    def _table_cells(self, leftover: Leftover) -> tuple[str, ...]:
        progress = self.progress.get(leftover.key)
        at = DeletionState(progress.state) if progress and progress.state else None
        mark = (
            ITEM_STATE_ICON[at] if at else CHECKBOX[leftover.key in self.selected_keys] if leftover.deletable else " - "
        )
        state = ITEM_STATE_LABEL[at] if at else leftover.state
        why = (progress.message if progress else "") or leftover.protected or leftover.why
        cost = "" if not leftover.billed else "?" if leftover.monthly is None else f"{leftover.monthly:,.2f}"
        return mark, leftover.kind, leftover.name, leftover.ownership.value, f"{cost:>7}", state, why

    def _show_summary(self) -> None:
        """Below the table: the row under the cursor in full, then what is chosen and what it costs."""
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
                f"used by {_join_names(one.uses)}" if one.uses else "",
                f"deleted after {_join_names(one.blocked_by)}" if one.blocked_by else "",
                f"blocks {_join_names(one.blocks)}" if one.blocks else "",
            ]
            facts = "; ".join(part for part in parts if part)
            lines.append(hanging_indent(Content.styled(f"{one.name}  ", "bold"), facts, self.text_width))
        text = f"{len(self.selected_keys)} of {len(self.detail.resources)} chosen."
        if cost := self.detail.cost(self.selected_keys):
            text += f" {cost}."
        if any(one.key in self.selected_keys and one.kind == "cloudfront" for one in self.detail.resources):
            text += " A CloudFront distribution is disabled and deployed before it is deleted: minutes."
        text += "  Space chooses, p chooses what is proven to be ours, d deletes what is chosen."
        lines.append(hanging_indent(Content(""), text, self.text_width, MUTED))
        summary = self.query_one(".detail", Static)
        summary.update(Content("\n").join(lines))
        summary.display = bool(self.detail.resources)

    def preselect(self, keys: tuple[str, ...]) -> None:
        """Choose what another step names, by key or by `kind:word` (an id, a name or an ARN).

        Nothing else stays chosen, unless the operator chose it: whoever comes to delete one resource does not delete seven.
        """
        if self.report is None:
            self._pending_preselection = keys
            return
        names = set(keys)
        marked = {
            one.key
            for one in self.detail.resources
            if one.deletable and names & {one.key, *(f"{one.kind}:{word}" for word in (one.id, one.name, one.arn))}
        }
        self.selected_keys = self.selected_keys | marked if self._selection_changed else marked
        self._selection_changed = True
        self._fill_table()
        if not marked:
            self.notify(
                "None of it is among these leftovers: the cleanup settings do not match it, or it is protected.",
                severity="warning",
                markup=False,
            )
        table = self.query_one(DataTable)
        first = next((at for at, one in enumerate(self.detail.resources) if one.key in marked), None)
        if first is not None:
            table.move_cursor(row=first)
        table.focus()

    @on(DataTable.RowHighlighted)
    def _update_summary(self) -> None:
        if self.step not in self.rebuild.running_commands:
            self._show_summary()

    @on(DataTable.RowSelected)
    def _toggle_row(self) -> None:
        self.action_mark()

    def action_mark(self) -> None:
        table = self.query_one(DataTable)
        if not self.detail.resources or not table.display:
            return
        one = self.detail.resources[table.cursor_row]
        if not one.deletable:
            self.notify(f"{one.name}: {one.protected or one.why}. It is never deleted from here.", markup=False)
            return
        self._selection_changed = True
        self.selected_keys ^= {one.key}
        table.update_cell(one.key, "mark", Text(CHECKBOX[one.key in self.selected_keys]))
        self._show_summary()

    def action_mark_proven(self) -> None:
        self._set_selection({one.key for one in self.detail.resources if one.preselected})

    def action_mark_all(self) -> None:
        deletable = {one.key for one in self.detail.resources if one.deletable}
        self._set_selection(set() if self.selected_keys == deletable else deletable)

    def _set_selection(self, keys: set[str]) -> None:
        """Choose exactly these; only the cells that change are drawn: there may be thousands."""
        self._selection_changed = True
        table = self.query_one(DataTable)
        changed, self.selected_keys = self.selected_keys ^ keys, keys
        for key in changed:
            table.update_cell(key, "mark", Text(CHECKBOX[key in keys]))
        self._show_summary()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("mark", "mark_proven", "mark_all", "delete"):
            return bool(self.detail.resources)
        return super().check_action(action, parameters)

    def action_delete(self) -> None:
        if not self.selected_keys:
            self.notify("Nothing is chosen. Space chooses a leftover, p everything proven.", markup=False)
            return
        # As it is shown now: a check that ends while consent is typed changes nothing of what is agreed to.
        detail = self.detail
        chosen = [one for one in detail.resources if one.key in self.selected_keys]

        def approve(answer: str | None) -> None:
            if answer:
                self.post_message(CleanupApproved(detail, tuple(one.key for one in chosen)))

        self.app.push_screen(DeletionConfirmDialog(detail, chosen), approve)

    def show_output(self, output: CommandOutputReceived) -> None:
        super().show_output(output)
        table = self.query_one(DataTable)
        received = [progress for line in output.lines if (progress := _decode_progress(line))]
        if not received:
            return
        newest = {progress.item: progress for progress in received if progress.item}
        self.progress |= newest
        for one in self.detail.resources if newest else ():
            if one.key in newest:
                cells = self._table_cells(one)
                table.update_cell(one.key, "mark", Text(cells[0]))
                table.update_cell(one.key, "state", Text(cells[5]), update_width=True)
                table.update_cell(one.key, "why", Text(cells[6]))
        self._show_progress(received[-1])

    def _show_progress(self, progress: DeletionProgress) -> None:
        counts = "  ".join(f"{name} {count}" for name, count in progress.counts.items() if count)
        names = {one.key: one.name for one in self.detail.resources}
        text = progress.message
        if progress.item:
            text = f"{names.get(progress.item, progress.item)}: {text}"
        else:  # the heartbeat begins with the counters
            text = text.removeprefix(format_counts(progress.counts)).removeprefix("; ")
        self.query_one(".detail", Static).update(
            Content("\n").join((Content.styled(counts, "bold"), hanging_indent(Content(""), text, self.text_width)))
        )


def _decode_progress(line: str) -> DeletionProgress | None:
    if not line.startswith("{"):
        return None
    try:
        message = decode_message(line)
    except msgspec.DecodeError:
        return None
    return message if isinstance(message, DeletionProgress) else None
