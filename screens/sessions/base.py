"""Base screens of past sessions: the key that shows all their keys, and notes, tags and exports of a session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from ecotui.session import SessionError, events
from screens import workers
from screens.actions import TITLES, bindings, key_rows
from screens.dialogs import Dialog, KeysDialog, PromptDialog, dialog_box

if TYPE_CHECKING:
    from ecotui.history.export.write import ExportFormat
    from ecotui.project import OpenProject
    from ecotui.session.log import Session

NOTICE_SECONDS = 12
"""Seconds for which a notice that names a file stays."""
_EXPORT_FORMATS: tuple[tuple[ExportFormat, str], ...] = (
    ("html", "One page for the browser, with a picture"),
    ("md", "Markdown, for a ticket or a wiki"),
    ("json", "Data, for a program"),
    ("cast", "A recording of the outputs (asciicast), for asciinema"),
)


class SessionScreenBase(Screen[None]):
    """Base of the screens of past sessions."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("session.base")
    KEY_PLACES: ClassVar[tuple[str, ...]]
    """The places of `screens.actions` whose keys the help of this screen shows."""

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        workers.notify_worker_error(self, event)

    def action_keys(self) -> None:
        self.app.push_screen(KeysDialog([(TITLES[place], key_rows(place)) for place in self.KEY_PLACES]))


class SessionActionsScreen(SessionScreenBase):
    """Base of the screens in which a session is chosen or shown: it gets notes and tags, and is exported."""

    project: OpenProject | None

    def selected_session(self) -> Session | None:
        """The session that is meant; None, after a notice, where there is none."""
        raise NotImplementedError

    def selected_tags(self) -> list[str]:
        """The tags of that session."""
        raise NotImplementedError

    def refresh_after_write(self) -> None:
        """Called when something was written into its log."""

    def notify_from_thread(self, text: str, severity: Literal["information", "warning", "error"]) -> None:
        """Show a notice about a file, from a worker's thread."""
        self.app.call_from_thread(self.notify, text, severity=severity, markup=False, timeout=NOTICE_SECONDS)

    def action_note(self) -> None:
        session = self.selected_session()
        if session is None:
            return

        def write(text: str | None) -> None:
            if text:
                self._append_events(session, [events.NoteAdded(text=text)], f"Noted in {session.id}.")

        body = Content("It is written into the session's log, for whoever reads it later.")
        self.app.push_screen(PromptDialog("Note", body), write)

    def action_tag(self) -> None:
        """Ask for tags: `slow handover -quota` adds two and removes one."""
        session = self.selected_session()
        if session is None:
            return

        def write(text: str | None) -> None:
            words = [(word.lstrip("-#"), not word.startswith("-")) for word in (text or "").split()]
            invalid = next((tag for tag, _ in words if not events.is_tag(tag)), None)
            if invalid is not None:
                self.notify(events.invalid_tag_message(invalid), severity="error", markup=False)
            elif words:
                self._append_events(session, [events.TagChanged(tag=tag, on=on) for tag, on in words], "Tagged.")

        current = " ".join(f"#{tag}" for tag in self.selected_tags()) or "none yet"
        body = Content(f"Words to find the session by; - before a word removes it. Now: {current}")
        self.app.push_screen(PromptDialog("Tags", body), write)

    def _append_events(self, session: Session, new_events: Sequence[events.AnyEvent], notice: str) -> None:
        try:
            for event in new_events:
                session.append(event)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        finally:
            session.close()
        self.notify(notice, markup=False)
        self.refresh_after_write()

    def action_export(self) -> None:
        """Ask for the format and the file, and write it."""
        session = self.selected_session()
        if session is None:
            return

        def write(choice: ExportChoice | None) -> None:
            if choice is not None:
                self._write_export(session, choice)

        self.app.push_screen(ExportDialog(session.id), write)

    @work(thread=True, name="export", group="export", exclusive=True, exit_on_error=False)
    def _write_export(self, session: Session, choice: ExportChoice) -> None:
        from ecotui.history.export.write import open_library_or_none, render_session_export

        library = open_library_or_none(self.project.config, self.project.base_env) if self.project is not None else None
        try:
            text = render_session_export(session, choice.format, anonymize=choice.anonymize, library=library)
            # Never over a file that exists.
            fd = os.open(choice.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as stream:
                stream.write(text)
        except FileExistsError:
            self.notify_from_thread(f"{choice.path} exists already; nothing was written.", "error")
        except (SessionError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.notify_from_thread(f"Cannot write {choice.path}: {reason}", "error")
        else:
            self.notify_from_thread(f"Wrote {choice.path}", "information")


class ExportChoice(NamedTuple):
    """What to export, and where to."""

    format: ExportFormat
    anonymize: bool
    path: str


class ExportDialog(Dialog[ExportChoice]):
    """Asks for the format, whether to mask more, and the file."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.export")

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self._session_id = session_id
        self._anonymize = False

    def compose(self) -> ComposeResult:
        with dialog_box(f"Export {self._session_id}"):
            yield OptionList(
                *(
                    Option(Content.assemble(Content.styled(f"{format:<6}", "bold"), description))
                    for format, description in _EXPORT_FORMATS
                ),
                markup=False,
            )
            yield Static(classes="body")
            yield Input(value=self._default_path("html"))
            yield Static(Content("Enter writes the file. Tab goes to its name."), classes="hint")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._show_anonymize()

    def _default_path(self, format: str) -> str:
        return str(Path.cwd() / f"handover-{self._session_id}.{format}")

    def _show_anonymize(self) -> None:
        box = "✓" if self._anonymize else " "
        self.query_one(".body", Static).update(
            Content(f"[{box}] mask accounts, names and addresses, too (s). Secrets are masked in any case.")
        )

    @on(OptionList.OptionHighlighted)
    def _update_path(self, event: OptionList.OptionHighlighted) -> None:
        field = self.query_one(Input)
        if field.value in [self._default_path(format) for format, _ in _EXPORT_FORMATS]:
            field.value = self._default_path(_EXPORT_FORMATS[event.option_index][0])

    def action_anonymize(self) -> None:
        self._anonymize = not self._anonymize
        self._show_anonymize()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _accept(self) -> None:
        format = _EXPORT_FORMATS[self.query_one(OptionList).highlighted or 0][0]
        if path := self.query_one(Input).value.strip():
            self.dismiss(ExportChoice(format, self._anonymize, str(Path(path).expanduser())))
