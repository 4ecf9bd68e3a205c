"""What can be done with a past session from any screen that shows one: notes, tags, verifying, handing over, opening others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from ecotui.session import SessionError, events
from ecotui.session.log import Session
from screens.dialogs import Dialog, PromptDialog, dialog_box

if TYPE_CHECKING:
    from textual.worker import Worker

    from ecotui.history.export.write import ExportFormat
    from ecotui.project import OpenProject

_EXPORT_FORMATS: tuple[tuple[ExportFormat, str], ...] = (
    ("html", "One page for the browser, with a picture"),
    ("md", "Markdown, for a ticket or a wiki"),
    ("json", "Data, for a program"),
    ("cast", "A recording of the outputs (asciicast), for asciinema"),
)


def add_note(screen: Screen[Any], session: Session, on_written: Callable[[], None]) -> None:
    """Ask for a note and write it into the session's log."""

    def written(text: str | None) -> None:
        if text:
            _append_events(screen, session, [events.NoteAdded(text=text)], f"Noted in {session.id}.", on_written)

    said = Content("It is written into the session's log, for whoever reads it later.")
    screen.app.push_screen(PromptDialog("Note", said), written)


def edit_tags(screen: Screen[Any], session: Session, current_tags: list[str], on_written: Callable[[], None]) -> None:
    """Ask for tags: `slow handover -quota` puts two on and takes one off."""

    def written(text: str | None) -> None:
        words = (text or "").split()
        wrong = [word for word in words if not events.is_tag(word.lstrip("-#"))]
        if wrong:
            screen.notify(events.invalid_tag_message(wrong[0]), severity="error", markup=False)
        elif words:
            made: list[events.AnyEvent] = [
                events.TagChanged(tag=word.lstrip("-#"), on=not word.startswith("-")) for word in words
            ]
            _append_events(screen, session, made, "Tagged.", on_written)

    now = " ".join(f"#{one}" for one in current_tags) or "none yet"
    said = Content(f"Words to find the session by; with - before it, one is taken off. Now: {now}")
    screen.app.push_screen(PromptDialog("Tags", said), written)


def _append_events(
    screen: Screen[Any],
    session: Session,
    new_events: list[events.AnyEvent],
    notice: str,
    on_written: Callable[[], None],
) -> None:
    try:
        for event in new_events:
            session.append(event)
    except SessionError as error:
        screen.notify(str(error), severity="error", markup=False)
        return
    finally:
        session.close()
    screen.notify(notice, markup=False)
    on_written()


def draft_guide_entry(screen: Screen[Any], session: Session, project: OpenProject | None) -> None:
    """Draft an entry of the guide from the session's last unexplained failure, into a new file of the project."""
    if project is None:
        return

    def work() -> None:
        from ecotui.guide.reading.library import GuideError, open_library
        from ecotui.history.diagnose import draft_entry_for_session

        path = project.config.project / f"guide-draft-{session.id}.md"
        severity = "error"
        try:
            known = draft_entry_for_session(
                session, open_library(project.config.settings, project.config.project, project.base_env)
            )
            if known is None:
                said = "The guide explains every failure of this session; there is nothing to draft."
                severity = "warning"
            else:
                # Never over a file that is there.
                with path.open("x", encoding="utf-8") as file:
                    file.write(known.text)
                said, severity = f"Drafted {path.name}, for the team to review.", "information"
                if not known.is_recognised:
                    said += " Its error text is too general to be found by."
        except FileExistsError:
            said = f"{path.name} is there already; nothing was written."
        except (GuideError, SessionError, OSError) as error:
            said = f"Cannot draft an entry: {error}"
        screen.app.call_from_thread(screen.notify, said, severity=severity, markup=False, timeout=12)

    _worker: Worker[None] = screen.run_worker(
        work, thread=True, name="draft", group="draft", exclusive=True, exit_on_error=False
    )


def export_session(screen: Screen[Any], session: Session, project: OpenProject | None) -> None:
    """Ask in which form and where to, and write it."""

    def chosen(answer: tuple[ExportFormat, bool, str] | None) -> None:
        if answer is None:
            return
        form, strict, path = answer

        def work() -> None:
            import os

            from ecotui.history.export import write as export_write

            library = (
                export_write.open_library_or_none(project.config, project.base_env) if project is not None else None
            )
            try:
                text = export_write.render_session_export(session, form, anonymize=strict, library=library)
                # Never over a file that is there.
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as stream:
                    stream.write(text)
            except FileExistsError:
                said, severity = f"{path} is there already; nothing was written.", "error"
            except (SessionError, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                said, severity = f"Cannot write {path}: {why}", "error"
            else:
                said, severity = f"Wrote {path}", "information"
            screen.app.call_from_thread(screen.notify, said, severity=severity, markup=False, timeout=12)

        _worker: Worker[None] = screen.run_worker(
            work, thread=True, name="hand over", group="hand over", exclusive=True, exit_on_error=False
        )

    screen.app.push_screen(ExportDialog(session.id), chosen)


class ExportDialog(Dialog["tuple[ExportFormat, bool, str]"]):
    """The form, whether to mask more, and the file."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "anonymize", "Mask accounts, names, addresses too"),
    ]

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self._session_id = session_id
        self._anonymize = False

    def compose(self) -> ComposeResult:
        with dialog_box(f"Hand over {self._session_id}"):
            yield OptionList(
                *(
                    Option(Content.assemble(Content.styled(f"{form:<6}", "bold"), what))
                    for form, what in _EXPORT_FORMATS
                ),
                markup=False,
            )
            yield Static(classes="body")
            yield Input(value=self._default_path("html"))
            yield Static(Content("Enter writes it. Tab goes to the file's name."), classes="hint")
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
        if field.value in [self._default_path(form) for form, _ in _EXPORT_FORMATS]:
            field.value = self._default_path(_EXPORT_FORMATS[event.option_index][0])

    def action_anonymize(self) -> None:
        self._anonymize = not self._anonymize
        self._show_anonymize()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _accept(self) -> None:
        form = _EXPORT_FORMATS[self.query_one(OptionList).highlighted or 0][0]
        if path := self.query_one(Input).value.strip():
            self.dismiss((form, self._anonymize, str(Path(path).expanduser())))
