"""The guide: its table of contents, the chosen entry beside it, search as you type, and what explains an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widgets import Input, OptionList
from textual.worker import Worker

from ecotui.guide.cause import judge
from ecotui.guide.matching.matcher import Match, diagnose
from ecotui.guide.reading.library import GuideError, code_of, language_of, open_library, shipped
from ecotui.guide.runbook.runbook import ranked
from ecotui.guide.search import Hit, Index
from ecotui.guide.usage import solved
from ecotui.project import Desk
from ecotui.session.store import Store
from screens import failures
from screens.frame import Frame, frame_below
from screens.guide.guide_view import GuideView
from screens.guide.location import Place, Walk
from screens.guide.runbook import WalkScreen
from screens.messages import LookWanted

if TYPE_CHECKING:
    from screens.guide.paste import Pasted

BEAT = 0.3
"""Seconds between two looks at whether the verdict changed."""
PAUSE = 0.03
"""Seconds without a key before a search begins: of keys that come together only the last one searches."""


class GuideScreen(GuideView):
    """Read, search, and go on to walk an entry; Escape goes back to where one was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding("w", "walk", "Walk it", key_display="⏎", tooltip="Walk this entry step by step"),
        # With priority: the keys that come in one piece with the slash go to the field as well.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("p", "paste", "Paste", tooltip="Paste an error and see what explains it"),
        Binding("r", "check", "Check", tooltip="Look again whether the cause is present"),
        Binding("b", "step", "Step", tooltip="Go to the step of the rebuild; b there comes back"),
        Binding("c", "copy", "Copy", tooltip="Copy the commands of this entry"),
        Binding("v", "language", "한/En", tooltip="The other language"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, desk: Desk, place: Place | None = None, *, paste: bool = False) -> None:
        super().__init__(desk, place or Place())
        self._paste = paste
        self._scores: dict[str, float] = {}
        self._explained: tuple[str, ...] = ()
        """Entries that explain the finding that led here."""
        self._index: Index | None = None
        self._seen: object = None

    # -- opening -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._fit()
        self._title("Opening the guide…")
        self.run_worker(self._open(), name="the guide", group="open", exclusive=True, exit_on_error=False)

    async def _open(self) -> None:
        """Read the documents beside the screen: a guide of 20 MB takes a second or two."""
        loaded = self.desk.loaded
        try:
            library = await asyncio.to_thread(
                open_library, loaded.settings, loaded.project, self.desk.base_env
            )
        except GuideError as error:
            self.notify(
                f"{error}\nThe guide that ships with ecotui stands in for it.",
                title="The guide cannot be read",
                severity="error",
                markup=False,
                timeout=30,
            )
            library = shipped(language_of(loaded.settings, self.desk.base_env))
        self.library = library
        self.language = self._came.language or library.language
        await self._begin()
        self.set_interval(BEAT, self._beat)
        await self._experience()

    async def _experience(self) -> None:
        """Which entries solved it in earlier sessions, and in this one."""
        shelf = Store(self.desk.session.folder.parent.parent)
        counts = await asyncio.to_thread(solved, shelf)
        known = {self.library.of_log(name): count for name, count in counts.items()}
        known.pop("", None)
        if known != self._solved:
            self._solved = known
            self._remember()

    async def _begin(self) -> None:
        """Show what one came for."""
        came = self._came
        field = self.query_one("#guide-search", Input)
        self._index = None
        if came.entry and (entry := self.library.entry(came.entry)):
            self._wanted = entry.id
        if words := came.search or field.value:
            with self.prevent(Input.Changed):
                field.value = words
            self._fit()
            await self._search(words)
        elif came.finding is not None:
            self._explain_finding()
        elif came.error and not came.entry:
            self.explain(came.error)
        else:
            if self._error:
                self._found(diagnose(self.library, self._error))
            self._list(self._all(), chosen=self._wanted)
        if came.walk is not None:
            self.app.push_screen(self._walking(came.walk), self._walked)
        elif self._paste:
            self.action_paste()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        failures.tell(self, event)

    def _remember(self) -> None:
        """Which entries solved it in earlier sessions is known now."""
        chosen = self.entry.id if self.entry is not None else ""
        if self._reasons and self._listing.hits and not self._listing.whole:
            first = not self._wanted or chosen == self._listing.hits[0].entry.id
            by_id = {hit.entry.id: hit for hit in self._listing.hits}
            order = ranked(list(by_id), self._scores, self._solved)
            self._list(tuple(by_id[ident] for ident in order), chosen="" if first else chosen)
        else:
            on_top = ranked(self._listing.first, {}, self._solved)
            moved = chosen == (self._listing.first or ("",))[0]
            self._list(self._listing.hits, on_top, on_top[0] if moved and on_top else chosen)

    # -- the list ------------------------------------------------------------------------------------------------

    def _all(self) -> tuple[Hit, ...]:
        return tuple(Hit(entry) for entry in self.library.entries)

    def _explain_finding(self) -> None:
        """The entries that explain the finding that led here, above the table of contents."""
        finding = self._came.finding
        assert finding is not None
        self._error = finding.raw
        explained = self.library.explains(finding)
        if not explained:
            self.explain(finding.raw or finding.summary)
            return
        if self._error:
            self._found(diagnose(self.library, self._error))
        order = self._explained = ranked(explained, {}, self._solved)
        self._wanted = self._wanted or order[0]
        self._list(self._all(), order, self._wanted)

    def _found(self, matches: tuple[Match, ...]) -> None:
        self._reasons = {match.entry: match.excerpt for match in matches}
        self._scores = {match.entry: match.score for match in matches}

    def explain(self, error: str, matches: tuple[Match, ...] | None = None, chosen: str = "") -> None:
        """Show the entries that explain an error, best first; the order of response when there are none."""
        self._error = error
        self._found(diagnose(self.library, error) if matches is None else matches)
        order = ranked(list(self._reasons), self._scores, self._solved)
        found = tuple(Hit(entry) for ident in order if (entry := self.library.entry(ident)))
        title = "What explains this error" if found else "The guide has nothing about this error"
        if not found and (response := self.library.entry(self.library.response)):
            title += "; this is how to go on"
            found = (Hit(response),)
        self._title(title)
        self._list(found or self._all(), chosen=chosen)

    @on(OptionList.OptionHighlighted, "#entries")
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._rows) and (entry := self._rows[event.option_index]) is not None:
            await self._show(entry)

    @on(OptionList.OptionSelected, "#entries")
    def _selected(self) -> None:
        self.action_walk()

    def _beat(self) -> None:
        rebuild = self.desk.rebuild
        if (rebuild.reports, rebuild.looking) != self._seen:
            self._seen = (rebuild.reports, rebuild.looking)
            try:
                self._show_verdict()
            except NoMatches:
                return

    # -- searching -----------------------------------------------------------------------------------------------

    @on(Input.Changed, "#guide-search")
    def _searched(self, event: Input.Changed) -> None:
        self.run_worker(
            self._search(event.value, PAUSE),
            name="the search",
            group="search",
            exclusive=True,
            exit_on_error=False,
        )

    async def _search(self, words: str, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        if not words.strip():
            # The whole guide is there again, and the entry that was found stays open.
            chosen = self.entry.id if self.entry is not None else ""
            self._list(self._all(), self._explained, chosen)
            return
        hits = await asyncio.to_thread(self._look_up, words)
        self._found(())
        self._title(f"{len(hits):,} for {words.strip()}")
        self._list(hits, chosen=self._wanted if self._scroll else "")

    def _look_up(self, words: str) -> tuple[Hit, ...]:
        if self._index is None:
            self._index = Index(self.library)
        return self._index.search(words)

    @on(Input.Submitted, "#guide-search")
    def _search_done(self) -> None:
        self.query_one("#entries").focus()
        self.call_after_refresh(self._fit)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self.entry is not None and bool(self._places())
        return not (action == "search" and isinstance(self.focused, Input))

    def action_search(self) -> None:
        field = self.query_one("#guide-search", Input)
        field.display = True
        self.set_focus(field)

    def action_back(self) -> None:
        search_box = self.query_one("#guide-search", Input)
        if search_box.has_focus:
            self.query_one("#entries").focus()
            self._fit()
        elif search_box.value:
            # What was searched for goes first; the whole guide is there again.
            search_box.value = ""
            self._fit()
        else:
            self.dismiss(None)

    # -- keys ----------------------------------------------------------------------------------------------------

    def _walking(self, walk: Walk) -> WalkScreen:
        return WalkScreen(self.desk, self.library, walk, self._solved.get(walk.entry, 0), place=self.place)

    def action_walk(self) -> None:
        if self.entry is None:
            return
        reason = self._reasons.get(self.entry.id, "")
        led = (self._wanted, self.library.response, *self._listing.first)
        walk = Walk(
            entry=self.entry.id,
            error=reason or (self._error if self.entry.id in led else ""),
            language=self.language,
        )
        self.app.push_screen(self._walking(walk), self._walked)

    def _walked(self, answer: str | None) -> None:
        if answer == "search":
            self.action_search()
        self.run_worker(
            self._experience(), name="what solved it", group="open", exclusive=True, exit_on_error=False
        )

    def place(self, walk: Walk | None = None) -> Place:
        """Where one is, to come back to."""
        return Place(
            entry=self.entry.id if self.entry is not None else "",
            error=self._error,
            finding=self._came.finding if self._listing.first else None,
            language=self.language,
            search=self.query_one("#guide-search", Input).value,
            scroll=self.query_one("#guide-page").scroll_y,
            walk=walk,
        )

    def _places(self) -> tuple[str, ...]:
        """The steps of the rebuild that look at this entry's cause."""
        assert self.entry is not None
        return judge(self.library, self.entry.id, self.desk.rebuild.reports).steps

    @property
    def frame(self) -> Frame:
        return frame_below(self)

    def action_step(self) -> None:
        if self.entry is not None and (steps := self._places()):
            self.frame.leave_guide(self.place(), steps[0])

    def action_check(self) -> None:
        if self.entry is None:
            return
        if steps := self._places():
            self.frame.post_message(LookWanted(steps))
        else:
            self.notify("This entry has no live check.", markup=False)

    async def action_language(self) -> None:
        self.language = "en" if self.language == "ko" else "ko"
        if self.entry is None:
            return
        entry = self.entry
        if self.library.in_language(entry.id, self.language) is None:
            self.notify("This entry has no text in the other language.", markup=False)
        with self.prevent(OptionList.OptionHighlighted):
            self._draw_list(entry.id)
        await self._show(entry)

    def action_copy(self) -> None:
        if self.entry is None:
            return
        commands = "\n".join(
            body for language, body in code_of(self.entry) if language in ("bash", "sh", "shell")
        )
        if commands:
            self.app.copy_to_clipboard(commands)
            self.notify("Sent to your terminal's clipboard (OSC 52).", markup=False)
        else:
            self.notify("This entry has no commands.", markup=False)

    def action_paste(self) -> None:
        from screens.guide.paste import PasteScreen

        if not self.library.documents:
            self._paste = True  # as soon as the guide is open
            return
        self.app.push_screen(PasteScreen(self.library, self._solved), self._pasted)

    def _pasted(self, pasted: Pasted | None) -> None:
        if pasted is None:
            return
        self.explain(pasted.text, pasted.matches, pasted.entry)
