"""The saved plan, to be read before it is applied: changes by module and type, and what changes inside the chosen one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from checks.apply.forecast.model import Review
from checks.apply.plan.model import Action, Plan
from checks.apply.plan.tree import KINDS, Group, Leaf, Outline
from screens.style import plan_icons
from screens.style.plan_icons import FAINT
from screens.widgets.row_list import Rows

NARROW = 100
"""Below this many cells the detail stands under the list."""


class PlanReview(Screen[bool]):
    """Answers True when the operator wants to apply what was shown; what has to be asked, the asker asks."""

    CSS_PATH = "plan_review.tcss"
    AUTO_FOCUS = "#plan-rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter(1)", "Filter", tooltip="The next action: all, holds data, destroy, …"),
        Binding("F", "filter(-1)", show=False),
        # With priority: the keys that come in one piece with the slash go to the field as well.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("e", "fold_all", "Expand", tooltip="Open every group, or fold all of them away"),
        Binding("d", "loss(1)", "Next destroy", tooltip="Go to what is destroyed or replaced next"),
        Binding("D", "loss(-1)", show=False),
        Binding("o", "drift", "Drift", tooltip="What was changed outside of terraform"),
        Binding("a", "apply", "Apply", tooltip="Apply exactly this plan"),
        Binding("escape,q", "back", "Close"),
        Binding("right,l", "open(True)", show=False),
        Binding("left,h", "open(False)", show=False),
    ]

    def __init__(self, place: Path, *, stale: str = "", applicable: bool = False) -> None:
        """`place` is the plan's file. `applicable`: what was found in its way is put in order."""
        super().__init__()
        self.place = place
        self.stale = stale
        self.applicable = applicable
        self.review: Review | None = None
        self.outline = Outline(Plan(terraform="", format="", changes=()))

    def compose(self) -> ComposeResult:
        yield Static(Content("Reading the plan…"), id="plan-title")
        yield Static(id="plan-kinds")
        yield Input(placeholder="Search addresses, types, reasons and values", id="plan-search")
        with Horizontal(id="plan-work"):
            yield Rows(self._row, id="plan-rows")
            with VerticalScroll(id="plan-side"):
                yield Static(id="plan-detail")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._fit()
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        """Tens of megabytes take a while to decode; the screen stands meanwhile."""
        from checks.apply.plan_store import NotReviewed, read_review

        try:
            review = read_review(self.place)
        except NotReviewed as error:
            self.app.call_from_thread(self._refused, str(error))
            return
        outline = Outline(review.plan)
        self.app.call_from_thread(self._opened, review, outline)

    def _refused(self, why: str) -> None:
        self.query_one("#plan-title", Static).update(Content.styled(f"✗ {why}", "$text-error"))

    def _opened(self, review: Review, outline: Outline) -> None:
        self.review, self.outline = review, outline
        self._show()
        self.refresh_bindings()

    # -- showing -------------------------------------------------------------------------------------------------

    @on(Resize)
    def _fit(self) -> None:
        self.set_class(self.app.size.width < NARROW, "-narrow")
        if self.review is not None:
            self.call_after_refresh(self._show_detail)

    def _row(self, index: int, width: int) -> Content:
        return plan_icons.row(self.outline.rows[index], width, drift=self.outline.drift)

    def _show(self, cursor: int = 0) -> None:
        """Bring everything up to date with the outline."""
        if self.review is None:
            return
        self.query_one("#plan-title", Static).update(_title(self.review, self.stale))
        self.query_one("#plan-kinds", Static).update(self._kinds())
        self.query_one(Rows).fill(len(self.outline.rows), cursor)

    def _kinds(self) -> Content:
        outline = self.outline
        parts = []
        for kind, count in outline.kinds():
            sign = plan_icons.SIGN[next(iter(kind.actions))] + " " if kind.actions else ""
            if kind.stateful:
                sign = "! "
            text = f"{sign}{kind.label} {count}"
            chosen = kind.id == outline.kind.id
            parts.append(
                Content.styled(f"[{text}]", "bold $text-accent") if chosen else Content.styled(text, FAINT)
            )
        said = Content("  ").join(parts)
        if outline.drift:
            said = Content.assemble(
                Content.styled("Changed outside of terraform  ", "bold $text-warning"), said
            )
        if outline.words:
            said = Content.assemble(
                said, Content.styled(f"   /{outline.words}: {len(outline.taken)} found", "bold")
            )
        return said

    @on(Rows.Moved)
    def _show_detail(self) -> None:
        side = self.query_one("#plan-side", VerticalScroll)
        side.scroll_home(animate=False)
        self.query_one("#plan-detail", Static).update(self._detail(max(side.size.width - 4, 20)))

    def _detail(self, width: int) -> Content:
        rows, at = self.outline.rows, self.query_one(Rows).cursor
        if at >= len(rows):
            return Content.styled(self._nothing(), FAINT)
        chosen = rows[at]
        if isinstance(chosen, Leaf):
            return plan_icons.detail(chosen.change, width, drift=self.outline.drift)
        lines = [Content.styled(chosen.label, "bold")]
        lines += [
            Content.assemble(plan_icons.badge(action, drift=self.outline.drift), str(chosen.counts[action]))
            for action in Action
            if chosen.counts.get(action)
        ]
        if chosen.stateful:
            lines.append(Content.styled(f"! {chosen.stateful} of them hold data", "bold $text-error"))
        return Content("\n").join(lines)

    def _nothing(self) -> str:
        if self.outline.words or self.outline.kind is not KINDS[0]:
            return "Nothing like that is in this plan. f shows all, Escape ends a search."
        if self.outline.drift:
            return "Nothing was changed outside of terraform."
        unchanged = self.outline.plan.unchanged
        return f"The plan changes nothing: {unchanged} resources are as the configuration says."

    # -- keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "apply":
            return (
                self.review is not None and self.applicable and not self.stale and self.review.plan.total > 0
            )
        if action == "search":
            return not isinstance(self.focused, Input)
        if action == "drift":
            return bool(self.outline.plan.drift) or self.outline.drift
        if action == "loss":
            return not self.outline.drift and self.outline.plan.count(Action.DESTROY, Action.REPLACE) > 0
        return True

    def action_filter(self, by: int) -> None:
        kinds = [kind for kind, _ in self.outline.kinds()]
        at = next((at for at, kind in enumerate(kinds) if kind.id == self.outline.kind.id), 0)
        self.outline.kind = kinds[(at + by) % len(kinds)]
        self.outline.refresh()
        self._show()

    def action_search(self) -> None:
        field = self.query_one("#plan-search", Input)
        field.display = True
        self.set_focus(field)

    @on(Input.Changed, "#plan-search")
    def _searched(self, event: Input.Changed) -> None:
        self.outline.words = event.value.strip()
        if self.outline.words:
            self.outline.folded.clear()  # what is found is to be seen
        self.outline.refresh()
        self._show()

    @on(Input.Submitted, "#plan-search")
    def _search_ended(self) -> None:
        field = self.query_one("#plan-search", Input)
        field.display = bool(field.value)
        self.query_one(Rows).focus()

    def action_back(self) -> None:
        """Escape first ends a search, then leaves the detail, then closes."""
        field = self.query_one("#plan-search", Input)
        if field.display:
            field.display = False
            field.value = ""
            self.query_one(Rows).focus()
        elif self.focused is self.query_one("#plan-side"):
            self.query_one(Rows).focus()
        else:
            self.dismiss(False)

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        rows, at = self.outline.rows, self.query_one(Rows).cursor
        chosen = rows[at]
        if isinstance(chosen, Group):
            self.outline.fold(chosen.key, away=chosen.open)
            self._show(at)
        else:
            self.query_one("#plan-side").focus()

    def action_open(self, wide: bool) -> None:
        """Open or fold the group under the cursor; from a change, left goes up to its heading."""
        rows, at = self.outline.rows, self.query_one(Rows).cursor
        if at >= len(rows):
            return
        chosen = rows[at]
        if isinstance(chosen, Group) and chosen.open is not wide:
            self.outline.fold(chosen.key, away=not wide)
            self._show(at)
        elif not wide:
            above = (place for place in range(at - 1, -1, -1) if rows[place].depth < chosen.depth)
            self.query_one(Rows).cursor = next(above, at)

    def action_fold_all(self) -> None:
        everything = any(isinstance(one, Group) and not one.open for one in self.outline.rows)
        self.outline.fold_all(away=not everything)
        self._show()

    def action_loss(self, step: int) -> None:
        place = self.outline.next_loss(self.query_one(Rows).cursor, step)
        if place is None:
            self.notify("Nothing that is shown is destroyed or replaced.", markup=False)
        else:
            self._show(place)
            self.query_one(Rows).focus()

    def action_drift(self) -> None:
        self.outline.drift = not self.outline.drift
        self.outline.kind = KINDS[0]
        self.outline.refresh()
        self._show()
        self.refresh_bindings()

    def action_apply(self) -> None:
        self.dismiss(True)


def _title(review: Review, stale: str) -> Content:
    """What the plan does and where, and on top of all what is lost by it."""
    plan = review.plan
    where = f"account {review.account}, {review.region}" if review.account else ""
    made = time.strftime("%H:%M:%S", time.localtime(review.made))
    parts = [where, f"made {made}", f"{plan.unchanged} unchanged" if plan.unchanged else ""]
    if plan.drift:
        parts.append(f"{len(plan.drift)} changed outside (o)")
    lines = [
        Content.assemble(Content.styled("Plan  ", "bold $text-accent"), Content.styled(plan.sentence, "bold"))
    ]
    if plan.dangerous:
        lines.append(Content.styled(f"! {plan.danger}", "bold $text-error"))
    if stale:
        lines.append(Content.styled(f"✗ cannot be applied: {stale}", "bold $text-error"))
    elif review.forecast.blocking:
        lines.append(Content.styled(f"✗ in the way: {review.forecast.sentence}", "bold $text-error"))
    lines.append(Content.styled(" · ".join(part for part in parts if part), FAINT))
    return Content("\n").join(lines)
