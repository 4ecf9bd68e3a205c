"""The saved plan, to be read before it is applied: changes by module and type, and what changes inside the chosen one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from checks.apply.forecast.model import SavedReview
from checks.apply.plan.model import ChangeAction, Plan
from checks.apply.plan.tree import CHANGE_FILTERS, ChangeGroup, ChangeLeaf, PlanTree
from screens.actions import bindings
from screens.style import plan_icons
from screens.style.themes import MUTED
from screens.widgets.row_list import RowList

NARROW_WIDTH = 100
"""Below this many cells the detail stands under the list."""


class PlanReviewScreen(Screen[bool]):
    """Answers True when the operator wants to apply what was shown; what has to be asked, the asker asks."""

    CSS_PATH = "plan_review.tcss"
    AUTO_FOCUS = "#plan-rows"
    BINDINGS: ClassVar[list[BindingType]] = bindings("plan")

    def __init__(self, plan_file: Path, *, stale: str = "", applicable: bool = False) -> None:
        """`place` is the plan's file. `applicable`: what was found in its way is put in order."""
        super().__init__()
        self.plan_file = plan_file
        self.stale = stale
        self.applicable = applicable
        self.review: SavedReview | None = None
        self.outline = PlanTree(Plan(terraform="", format="", changes=()))

    def compose(self) -> ComposeResult:
        yield Static(Content("Reading the plan…"), id="plan-title")
        yield Static(id="plan-filters")
        yield Input(placeholder="Search addresses, types, reasons and values", id="plan-search")
        with Horizontal(id="plan-work"):
            yield RowList(self._render_row, id="plan-rows")
            with VerticalScroll(id="plan-side"):
                yield Static(id="plan-detail")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._set_size_classes()
        self._load_review()

    @work(thread=True, exclusive=True)
    def _load_review(self) -> None:
        """Tens of megabytes take a while to decode; the screen stands meanwhile."""
        from checks.apply.plan_store import PlanNotReviewed, read_review

        try:
            review = read_review(self.plan_file)
        except PlanNotReviewed as error:
            self.app.call_from_thread(self._show_load_error, str(error))
            return
        outline = PlanTree(review.plan)
        self.app.call_from_thread(self._set_review, review, outline)

    def _show_load_error(self, reason: str) -> None:
        self.query_one("#plan-title", Static).update(Content.styled(f"✗ {reason}", "$text-error"))

    def _set_review(self, review: SavedReview, outline: PlanTree) -> None:
        self.review, self.outline = review, outline
        self._refresh_all()
        self.refresh_bindings()

    # -- showing -------------------------------------------------------------------------------------------------

    @on(Resize)
    def _set_size_classes(self) -> None:
        self.set_class(self.app.size.width < NARROW_WIDTH, "-narrow")
        if self.review is not None:
            self.call_after_refresh(self._show_detail)

    def _render_row(self, index: int, width: int) -> Content:
        return plan_icons.render_outline_row(self.outline.rows[index], width, drift=self.outline.show_drift)

    def _refresh_all(self, cursor: int = 0) -> None:
        """Bring everything up to date with the outline."""
        if self.review is None:
            return
        self.query_one("#plan-title", Static).update(_render_title(self.review, self.stale))
        self.query_one("#plan-filters", Static).update(self._render_filters())
        self.query_one(RowList).set_rows(len(self.outline.rows), cursor)

    def _render_filters(self) -> Content:
        outline = self.outline
        parts = []
        for kind, count in outline.available_filters():
            sign = plan_icons.ACTION_ICON[next(iter(kind.actions))] + " " if kind.actions else ""
            if kind.stateful:
                sign = "! "
            text = f"{sign}{kind.label} {count}"
            chosen = kind.id == outline.filter.id
            parts.append(Content.styled(f"[{text}]", "bold $text-accent") if chosen else Content.styled(text, MUTED))
        said = Content("  ").join(parts)
        if outline.show_drift:
            said = Content.assemble(Content.styled("Changed outside of terraform  ", "bold $text-warning"), said)
        if outline.search_text:
            said = Content.assemble(
                said, Content.styled(f"   /{outline.search_text}: {len(outline.matching_changes)} found", "bold")
            )
        return said

    @on(RowList.RowHighlighted)
    def _show_detail(self) -> None:
        side = self.query_one("#plan-side", VerticalScroll)
        side.scroll_home(animate=False)
        self.query_one("#plan-detail", Static).update(self._render_detail(max(side.size.width - 4, 20)))

    def _render_detail(self, width: int) -> Content:
        rows, at = self.outline.rows, self.query_one(RowList).cursor
        if at >= len(rows):
            return Content.styled(self._empty_message(), MUTED)
        chosen = rows[at]
        if isinstance(chosen, ChangeLeaf):
            return plan_icons.render_change(chosen.change, width, drift=self.outline.show_drift)
        lines = [Content.styled(chosen.label, "bold")]
        lines += [
            Content.assemble(plan_icons.action_badge(action, drift=self.outline.show_drift), str(chosen.counts[action]))
            for action in ChangeAction
            if chosen.counts.get(action)
        ]
        if chosen.stateful:
            lines.append(Content.styled(f"! {chosen.stateful} of them hold data", "bold $text-error"))
        return Content("\n").join(lines)

    def _empty_message(self) -> str:
        if self.outline.search_text or self.outline.filter is not CHANGE_FILTERS[0]:
            return "Nothing like that is in this plan. f shows all, Escape ends a search."
        if self.outline.show_drift:
            return "Nothing was changed outside of terraform."
        unchanged = self.outline.plan.unchanged
        return f"The plan changes nothing: {unchanged} resources are as the configuration says."

    # -- keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "apply":
            return self.review is not None and self.applicable and not self.stale and self.review.plan.total > 0
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "drift":
            return bool(self.outline.plan.drift) or self.outline.show_drift
        if action == "next_destroy":
            return (
                not self.outline.show_drift and self.outline.plan.count(ChangeAction.DESTROY, ChangeAction.REPLACE) > 0
            )
        return True

    def action_filter(self, by: int) -> None:
        kinds = [kind for kind, _ in self.outline.available_filters()]
        at = next((at for at, kind in enumerate(kinds) if kind.id == self.outline.filter.id), 0)
        self.outline.filter = kinds[(at + by) % len(kinds)]
        self.outline.refresh()
        self._refresh_all()

    def action_search(self) -> None:
        field = self.query_one("#plan-search", Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Changed, "#plan-search")
    def _update_search(self, event: Input.Changed) -> None:
        self.outline.search_text = event.value.strip()
        if self.outline.search_text:
            self.outline.folded_keys.clear()  # what is found is to be seen
        self.outline.refresh()
        self._refresh_all()

    @on(Input.Submitted, "#plan-search")
    def _close_search(self) -> None:
        field = self.query_one("#plan-search", Input)
        field.display = bool(field.value)
        self.query_one(RowList).focus()

    def action_back(self) -> None:
        """Escape first ends a search, then leaves the detail, then closes."""
        field = self.query_one("#plan-search", Input)
        if field.display:
            field.display = False
            field.value = ""
            self.query_one(RowList).focus()
        elif self.focused is self.query_one("#plan-side"):
            self.query_one(RowList).focus()
        else:
            self.dismiss(False)

    @on(RowList.RowSelected)
    def _toggle_or_focus_detail(self) -> None:
        rows, at = self.outline.rows, self.query_one(RowList).cursor
        chosen = rows[at]
        if isinstance(chosen, ChangeGroup):
            self.outline.fold(chosen.key, folded=chosen.is_open)
            self._refresh_all(at)
        else:
            self.query_one("#plan-side").focus()

    def action_open(self, expand: bool) -> None:
        """Open or fold the group under the cursor; from a change, left goes up to its heading."""
        rows, at = self.outline.rows, self.query_one(RowList).cursor
        if at >= len(rows):
            return
        chosen = rows[at]
        if isinstance(chosen, ChangeGroup) and chosen.is_open is not expand:
            self.outline.fold(chosen.key, folded=not expand)
            self._refresh_all(at)
        elif not expand:
            above = (place for place in range(at - 1, -1, -1) if rows[place].depth < chosen.depth)
            self.query_one(RowList).cursor = next(above, at)

    def action_fold_all(self) -> None:
        everything = any(isinstance(one, ChangeGroup) and not one.is_open for one in self.outline.rows)
        self.outline.fold_all(folded=not everything)
        self._refresh_all()

    def action_next_destroy(self, step: int) -> None:
        place = self.outline.next_destructive_row(self.query_one(RowList).cursor, step)
        if place is None:
            self.notify("Nothing that is shown is destroyed or replaced.", markup=False)
        else:
            self._refresh_all(place)
            self.query_one(RowList).focus()

    def action_drift(self) -> None:
        self.outline.show_drift = not self.outline.show_drift
        self.outline.filter = CHANGE_FILTERS[0]
        self.outline.refresh()
        self._refresh_all()
        self.refresh_bindings()

    def action_apply(self) -> None:
        self.dismiss(True)


def _render_title(review: SavedReview, stale: str) -> Content:
    """What the plan does and where, and on top of all what is lost by it."""
    plan = review.plan
    where = f"account {review.account}, {review.region}" if review.account else ""
    made = time.strftime("%H:%M:%S", time.localtime(review.created_at))
    parts = [where, f"made {made}", f"{plan.unchanged} unchanged" if plan.unchanged else ""]
    if plan.drift:
        parts.append(f"{len(plan.drift)} changed outside (o)")
    lines = [Content.assemble(Content.styled("Plan  ", "bold $text-accent"), Content.styled(plan.sentence, "bold"))]
    if plan.data_losses:
        lines.append(Content.styled(f"! {plan.data_loss_sentence}", "bold $text-error"))
    if stale:
        lines.append(Content.styled(f"✗ cannot be applied: {stale}", "bold $text-error"))
    elif review.forecast.blocking_ids:
        lines.append(Content.styled(f"✗ in the way: {review.forecast.sentence}", "bold $text-error"))
    lines.append(Content.styled(" · ".join(part for part in parts if part), MUTED))
    return Content("\n").join(lines)
