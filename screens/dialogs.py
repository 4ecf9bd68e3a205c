"""Questions to the operator. Each returns a value or None, changes nothing by itself, and closes with Escape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from checks.cleanup.model import CleanupDetail, Leftover, Ownership
from screens.actions import bindings
from screens.project_screen import main_screen
from screens.style.columns import hanging_indent
from screens.style.icons import format_leftover_count

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle; Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

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

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.confirm")

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

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.raw")

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


class KeysDialog(Dialog[None]):
    """Keys in groups, each with what it does, and a legend below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.keys")

    def __init__(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], legend: Sequence[str] = ()) -> None:
        """`groups`: a heading, or none, and the rows below it."""
        super().__init__()
        self._groups = groups
        self._legend = legend

    def compose(self) -> ComposeResult:
        width = min(self.app.size.width * 9 // 10, 96) - 8
        lines: list[Content] = []
        for title, rows in self._groups:
            if title:
                lines += [Content(""), Content.styled(title, "bold $text-primary")]
            lines += [
                hanging_indent(Content.styled(f"{key:<16}", "bold $text-accent"), what, width) for key, what in rows
            ]
        lines += [Content(line) for line in ("", *self._legend) if self._legend]
        with dialog_box("Keys"), VerticalScroll(classes="body"):
            yield Static(Content("\n").join(lines[1:] if self._groups[0][0] else lines))
        yield Footer(show_command_palette=False)


class DeletionConfirmDialog(TypedConfirmDialog):
    """Names the leftovers that are deleted, and asks for the account and their number to be typed."""

    def __init__(self, detail: CleanupDetail, leftovers: Sequence[Leftover]) -> None:
        account = (
            f"account {detail.account} ({detail.account_name})" if detail.account_name else f"account {detail.account}"
        )
        lines = [Content(f"Deleted for good, in {account}:"), Content("")]
        for one in leftovers:
            doubt = "   matched by name only: is it ours?" if one.ownership is Ownership.NAME_ONLY else ""
            lines.append(Content.assemble(f"  {one.kind:<16} {one.name}", Content.styled(doubt, "$text-warning")))
        lines.append(Content(""))
        if cost := detail.cost({one.key for one in leftovers}):
            lines += [Content(f"{'' if cost.startswith('The') else 'They cost '}{cost}."), Content("")]
        lines.append(
            Content(
                "The account is checked again first. What changed since this list is not deleted; dependencies are"
                " detached and deleted in order. It starts after a pause of some seconds; i cancels it then."
            )
        )
        super().__init__(
            f"Delete {format_leftover_count(len(leftovers))}",
            Content("\n").join(lines),
            f"{detail.account_name or detail.account} {len(leftovers)}",
        )


class RateDialog(Dialog[bool]):
    """Asks whether a guide entry solved the problem. Escape answers None: not yet."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.rate")

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            yield Static(self._body, classes="body")
            yield Static(Content("y yes    n no    Escape: not yet"), classes="hint")
        yield Footer(show_command_palette=False)
