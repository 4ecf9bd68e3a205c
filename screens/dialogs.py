"""Questions to the operator. Each returns a value or None, changes nothing by itself, and closes with Escape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from checks.steps import STEP_KEYS
from screens.project_screen import main_screen
from screens.style.columns import hanging_indent

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle; Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        width: 90%; max-width: 96; height: auto; max-height: 90%;
        padding: 1 2; background: $surface; border: round $primary;
        border-title-color: $text-primary; border-title-style: bold;
    }
    Dialog .body { height: auto; max-height: 60vh; margin-bottom: 1; }
    Dialog OptionList { height: auto; max-height: 12; }
    Dialog .hint { color: $text-muted; margin-top: 1; }
    """


def dialog_box(title: str) -> Vertical:
    """The box of a dialog, with its title in the border."""
    box = Vertical(classes="box")
    box.border_title = Content(title)
    return box


class ConfirmDialog(Dialog[bool]):
    """Shows the exact command and what it changes; Enter agrees."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "agree", "Go ahead"),
        Binding("n", "dismiss(None)", "No", show=False),
    ]

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            with VerticalScroll(classes="body"):
                yield Static(self._body)
            yield Static(Content("Enter: go ahead    Escape: leave everything as it is"), classes="hint")
        yield Footer(show_command_palette=False)

    def action_agree(self) -> None:
        self.dismiss(True)


class TypedConfirmDialog(Dialog[str]):
    """Asks for words to be typed exactly; nothing else is accepted."""

    def __init__(self, title: str, body: Content, expected: str) -> None:
        super().__init__()
        self._title = title
        self._body = body
        self.expected = expected

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            with VerticalScroll(classes="body"):
                yield Static(self._body)
            yield Static(Content.assemble("To go on, type ", Content.styled(self.expected, "bold $text-error")))
            yield Input(placeholder=self.expected)
            yield Static("", classes="hint")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _check_typed_text(self, event: Input.Submitted) -> None:
        if event.value.strip() == self.expected:
            self.dismiss(event.value.strip())
        else:
            self.query_one(".hint", Static).update(Content("That is not the same. Escape leaves everything as it is."))


class PromptDialog(Dialog[str]):
    """Asks for one line; masked when it is a secret."""

    def __init__(self, title: str, body: Content, *, secret: bool = False, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._secret = secret
        self._value = value

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            yield Static(self._body, classes="body")
            yield Input(value=self._value, password=self._secret)
            yield Static(
                Content("It is masked, kept in memory only, and never logged." if self._secret else "Enter: accept"),
                classes="hint",
            )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _accept_input(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.query_one(".hint", Static).update(Content("Something has to be typed. Escape leaves it."))


class ChoiceDialog(Dialog[str]):
    """One of several."""

    def __init__(self, title: str, choices: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            yield OptionList(*(Option(Content(choice)) for choice in self._choices), markup=False)
        yield Footer(show_command_palette=False)

    @on(OptionList.OptionSelected)
    def _accept_choice(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])


class RawTextDialog(Dialog[None]):
    """The raw text behind a finding, scrollable."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,q,enter", "dismiss(None)", "Close"),
        Binding("g", "guide", "What explains this?"),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with dialog_box(self._title), VerticalScroll(classes="body"):
            yield Static(Content(self._text))
        yield Footer(show_command_palette=False)

    def action_guide(self) -> None:
        from screens.messages import GuideRequested

        main_screen(self).post_message(GuideRequested(error=self._text))
        self.dismiss(None)


HELP_KEYS = (
    (STEP_KEYS, "go to a step"),
    ("n", "go to what needs you next"),
    ("Tab, Shift-Tab", "between findings, ways out and the log"),
    ("↑ ↓ or k j", "move in a list"),
    ("f or Enter", "carry out the chosen way out (asks first when it changes anything)"),
    ("r / R", "look again at this step / at all steps"),
    ("o", "let a finding pass, with a reason"),
    ("g / G", "the guide entry of this finding / the whole guide"),
    ("P", "paste an error, and see what explains it"),
    ("b", "back to the guide, where one was in it"),
    ("x", "the raw text behind a finding"),
    ("c", "copy the command of a way out"),
    ("p / w", "apply: read the saved plan / ask AWS why the chosen row still runs"),
    ("l / L", "the log drawer / taller"),
    ("i", "interrupt what runs (asks it to stop; a second time: forces)"),
    ("s", "past sessions"),
    ("S", "sessions of all machines of the team"),
    ("T", "take over a project that another ecotui holds, or answer who asks for yours"),
    ("t", "next theme"),
    ("Ctrl-P", "every command by name"),
    ("q", "leave; what runs goes on, and ecotui comes back to it"),
)


class ScreenKeysDialog(Dialog[None]):
    """The keys of the screen below, with what they do; also those that its line of keys has no room for."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q,enter", "dismiss(None)", "Close")]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        width = min(self.app.size.width * 9 // 10, 96) - 8
        with dialog_box("Keys"), VerticalScroll(classes="body"):
            yield Static(
                Content("\n").join(
                    hanging_indent(Content.styled(f"{key:<16}", "bold $text-accent"), what, width)
                    for key, what in self._keys
                )
            )
        yield Footer(show_command_palette=False)


class HelpDialog(Dialog[None]):
    """Keys and signs."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,q,enter", "dismiss(None)", "Close")]

    def compose(self) -> ComposeResult:
        with dialog_box("Keys"):
            width = min(self.app.size.width * 9 // 10, 96) - 8
            lines = [
                hanging_indent(Content.styled(f"{key:<16}", "bold $text-accent"), what, width)
                for key, what in HELP_KEYS
            ]
            lines += [
                Content(""),
                Content("✓ ok    ! warning    ✗ blocked    ▶ running"),
                Content("? could not look    · does not apply yet    ○ not looked yet"),
            ]
            with VerticalScroll(classes="body"):
                yield Static(Content("\n").join(lines))
        yield Footer(show_command_palette=False)
