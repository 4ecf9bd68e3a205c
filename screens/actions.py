"""Every key of every screen, panel, dialog and widget, in one table.

The bindings of a class are `bindings(where)`; the footer, the help screen and docs/keys.md follow from the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from textual.binding import Binding, BindingType

from checks.steps import STEP_KEYS, STEPS


@dataclass(frozen=True)
class Action:
    """A key, and what it does."""

    key: str
    """Names of keys as Textual has them, with commas between several. Ready to read where `name` is empty."""
    name: str = ""
    """The action method, with its arguments. Empty: a key that Textual's own widgets bind, for the help only."""
    label: str = ""
    """The word in the footer, and the name in the command palette. Without one it is in neither."""
    help: str = ""
    """What it does, in a sentence without its full stop: tooltip, help and documents. Empty: the label says it all."""
    id: str = ""
    """The name under which a keymap may bind another key."""
    footer: bool = True
    shown_key: str = ""
    """How the footer writes the key, where Textual would write it otherwise."""
    priority: bool = False
    """Holds before the widget that has the focus gets the key."""
    help_key: str = ""
    """How the help writes the key, where several rows are one there."""


def _step_actions(method: str, help: str, *, labelled: bool = False) -> tuple[Action, ...]:
    """The number of each step."""
    return tuple(
        Action(
            str(number), f"{method}('{step.id}')", step.title if labelled else "", help, "", False, help_key=STEP_KEYS
        )
        for number, step in enumerate(STEPS, 1)
    )


_BACK = Action("escape,q", "back", "Back")
_DISMISS = Action("escape,q", "dismiss(None)", "Back")
_OPEN_SESSION = Action("o", "open", "Open", "Show what happened in this session", shown_key="⏎")
_FIND_SESSION = Action(
    "slash",
    "search",
    "Find",
    "Find sessions: words, project:…, outcome:…, step:quota:blocked, @operator, #tag, since:7d",
    shown_key="/",
    priority=True,
)
_ANNOTATE_SESSION = (
    Action("n", "note", "Note", "Write a note into this session", footer=False),
    Action("number_sign", "tag", "Tag", "Tag this session with words to find it by", footer=False),
    Action("r", "reload", "Read again", footer=False),
)
_EXPORT = Action("e", "export", "Export", "Export this session: a page, Markdown, data, a recording")
_COPY_HELP = "Copy to your terminal's clipboard (OSC 52)"
_KEYS_HELP = Action("question_mark", "keys", "All keys", "All keys of this screen", footer=False)

TITLES = {
    "main": "Everywhere in a rebuild",
    "step": "In a step",
    "apply": "In the apply step",
    "cleanup": "In the cleanup step",
    "app": "In the whole program",
    "plan": "Plan review",
    "resource": "Status of a resource",
    "guide": "Guide",
    "runbook": "Runbook",
    "paste": "Pasted error",
    "sessions": "Past sessions",
    "sessions.compare": "Past sessions, choosing one to compare",
    "session": "One session",
    "output": "Output of a command",
    "replay": "Replay",
    "compare": "Comparison of two sessions",
    "durations": "Durations",
    "team": "Sessions of the team",
    "session.base": "Every screen of past sessions",
    "dialog": "Every dialog",
    "dialog.confirm": "Confirmation",
    "dialog.raw": "Raw output",
    "dialog.keys": "Keys",
    "dialog.handoff": "Request for the lock",
    "dialog.rate": "Rating of a guide entry",
    "dialog.export": "Export",
    "rows": "In a list",
    "pager": "In the text of a file",
}
"""The places where keys hold, in the order of the documents."""

ACTIONS: dict[str, tuple[Action, ...]] = {
    "main": (
        *_step_actions("show_step", "Go to a step", labelled=True),
        Action("b", "return_to_guide", "Back to the guide", "Go back to the place in the guide that led here"),
        Action("G", "guide", "Whole guide", "Open the whole guide", "rebuild.guide", False),
        Action("P", "paste_error", "Paste an error", "Paste an error and see what explains it", "rebuild.paste", False),
        Action("T", "take_over", "Take over", "Ask for the lock, or answer who wants it", "rebuild.take-over", False),
        Action(
            "S",
            "team_sessions",
            "Team's sessions",
            "Sessions of all machines of the team (sessions.team)",
            "rebuild.team-sessions",
            False,
        ),
        Action("n", "next_step", "Next", "Go to the step that needs you next", "rebuild.next"),
        Action("R", "check_all", "Check all", "Check all steps again", "rebuild.look-all", False),
        Action("l", "toggle_log", "Log", "Open or close the log drawer", "rebuild.log"),
        Action("L", "enlarge_log", "Taller log", "Make the log drawer taller", footer=False),
        Action(
            "i",
            "interrupt",
            "Interrupt",
            "Ask the running command to stop; a second time, force it",
            "rebuild.interrupt",
        ),
        Action("s", "sessions", "Sessions", "Past sessions", "rebuild.sessions"),
        Action("question_mark", "help", "Help", "All keys", "rebuild.help", shown_key="?"),
        Action("q", "leave", "Quit", "Leave; running commands continue, and ecotui follows them again", "rebuild.quit"),
    ),
    "step": (
        Action("Tab, Shift-Tab", help="Move between findings, fixes and the log"),
        Action("↑ ↓ or k j", help="Move in a list"),
        Action("f", "fix", "Fix", "Run the selected fix; asks first when it changes anything", "step.fix"),
        Action("r", "check", "Check", "Check this step again", "step.look"),
        Action("o", "override", "Override", "Override this finding, with a reason", "step.override"),
        Action("g", "guide", "Guide", "Show what the guide says about this finding", "step.guide"),
        Action("x", "show_raw", "Raw output", "Show the raw output behind this finding", "step.raw", False),
        Action("c", "copy", "Copy", "Copy the command of the selected fix", "step.copy", False),
    ),
    "apply": (
        Action("p", "plan", "Plan", "Read the saved plan, change by change", "apply.plan"),
        Action("w", "show_resource_status", "Why?", "Ask AWS why the selected resource is not done yet", "apply.why"),
    ),
    "cleanup": (
        Action("space", "mark", "Mark", "Select this leftover for deletion, or not", "cleanup.mark", False),
        Action(
            "p", "mark_proven", "Proven", "Select every leftover that is proven to be ours", "cleanup.proven", False
        ),
        Action("a", "mark_all", "All / none", "Select all leftovers, or none", "cleanup.all", False),
        Action(
            "d", "delete", "Delete", "Delete the selected leftovers, after you typed your consent", "cleanup.delete"
        ),
    ),
    "app": (
        Action("t", "next_theme", "Theme", "Next theme", footer=False),
        Action("j", "move('down')", "Down", "Down in a list or text", footer=False),
        Action("k", "move('up')", "Up", "Up in a list or text", footer=False),
        Action("ctrl+c", "leave", "Quit", "Leave, as q does", footer=False, priority=True),
        Action("Ctrl-P", help="Every command by name"),
    ),
    "plan": (
        Action("f", "filter(1)", "Filter", "Next filter: all, holds data, destroy, …"),
        Action("F", "filter(-1)", help="Previous filter", footer=False),
        # With priority: the keys that come in one burst with the slash go to the field as well.
        Action("slash", "search", "Search", "Search addresses, types and values", shown_key="/", priority=True),
        Action("e", "fold_all", "Expand", "Open every group, or fold all of them"),
        Action("d", "next_destroy(1)", "Next destroy", "Go to the next change that destroys or replaces"),
        Action("D", "next_destroy(-1)", help="Go to the previous one", footer=False),
        Action("o", "drift", "Drift", "Show what was changed outside of terraform"),
        Action("a", "apply", "Apply", "Apply exactly this plan"),
        Action("escape,q", "back", "Close"),
        Action("right,l", "open(True)", help="Open the group", footer=False),
        Action("left,h", "open(False)", help="Fold the group, or go up to its heading", footer=False),
    ),
    "resource": (
        Action("w,q,enter", "dismiss(None)", "Close"),
        Action("r", "refresh_status", "Ask again"),
        Action("g", "guide", "Guide"),
    ),
    "guide": (
        Action("w", "open_runbook", "Runbook", "Follow the steps of this entry", shown_key="⏎"),
        Action("slash", "search", "Search", shown_key="/", priority=True),
        Action("p", "paste", "Paste", "Paste an error and see what explains it"),
        Action("r", "check", "Check", "Check again whether the cause is present"),
        Action("b", "go_to_step", "Step", "Go to the step of the rebuild; b there comes back"),
        Action("c", "copy", "Copy", "Copy the commands of this entry"),
        Action("v", "language", "한/En", "Show the other language"),
        _BACK,
    ),
    "runbook": (
        Action("f", "run_step", "Run", "Run this step; asks first when it changes anything", shown_key="⏎"),
        Action("space", "toggle_done", "Done", "Mark this step as done, or not done"),
        Action("e", "edit", "Edit", "Edit the command before it runs"),
        Action("c", "copy", "Copy", _COPY_HELP),
        Action("w", "write_file", "File", "Write it to a file in the session's folder"),
        Action("r", "check", "Check", "Check again whether the cause is present"),
        Action("i", "interrupt", "Stop", "Ask the running command to stop"),
        Action("l", "toggle_output", "Log", "Show or hide the output"),
        Action("b", "go_to_step", "Step", "Go to the step of the rebuild; b there comes back"),
        Action("v", "language", "한/En", "Show the other language"),
        _BACK,
    ),
    "paste": (
        Action("ctrl+d,f2", "finish_paste", "To the entries", "Go on to the entries that explain it", priority=True),
        Action("ctrl+l", "clear", "Clear", priority=True),
        Action("f", "open", "Open the entry", shown_key="⏎"),
        Action("escape", "leave", "Back", priority=True),
    ),
    "sessions": (
        _OPEN_SESSION,
        _FIND_SESSION,
        Action("p", "replay", "Replay", "Play this session again"),
        Action("c", "compare", "Compare", "Mark this session; then c on another one compares the two"),
        Action("d", "durations", "Durations", "Show how long each step usually takes"),
        _EXPORT,
        *_ANNOTATE_SESSION,
        _BACK,
    ),
    "sessions.compare": (_OPEN_SESSION, _FIND_SESSION, *_ANNOTATE_SESSION, _BACK),
    # Enter is the key of the list, and does the same as o. The first ones have room in a small terminal.
    "session": (
        Action("o", "open", "Open", "Open the output, or the details of this line", shown_key="⏎"),
        Action("slash", "search", "Search", "Search the outputs", shown_key="/", priority=True),
        Action("f", "filter(1)", "Filter", "Next filter: decisions, failures, commands, guide, notes"),
        Action("p", "replay", "Replay", "Play this session again from here"),
        Action("n", "note", "Note", "Write a note into this session"),
        Action("c", "compare", "Compare", "Choose another session to compare this one with"),
        _EXPORT,
        _BACK,
        Action("number_sign", "tag", "Tag", "Tag this session with words to find it by", shown_key="#"),
        Action("v", "verify", "Verify", "Check the hash chain of this session's log"),
        Action("g", "guide", "Guide", "Open the guide entry that explains this"),
        # No room in the footer: the text beside the failure names the key, and the palette has it.
        Action("d", "draft_entry", "Draft an entry", "Draft a guide entry for what no entry explains", footer=False),
        Action("F", "filter(-1)", "Filter, the other way round", footer=False),
        Action("0", "filter_step('')", help="Events of all steps", footer=False),
        *_step_actions("filter_step", "Events of one step only"),
        Action("↑ ↓ or k j", help="Move; earlier events are read when you go up"),
    ),
    "output": (
        Action("slash", "search", "Search", shown_key="/", priority=True),
        Action("n", "next_hit(1)", "Next hit"),
        Action("N", "next_hit(-1)", "Previous hit"),
        Action("x", "toggle_raw", "Raw / readable", "Show lines as they were written, or their message"),
        Action("g", "guide", "What explains this?", "Look up the visible lines in the guide"),
        _BACK,
    ),
    "replay": (
        Action("space", "toggle_play", "Play", "Play or pause"),
        Action("plus,equals_sign", "speed(1)", "Faster", shown_key="+"),
        Action("minus", "speed(-1)", "Slower", shown_key="-"),
        Action("left", "skip(-1)", "5 s", "Back 5 seconds", shown_key="←", priority=True),
        Action("right", "skip(1)", "5 s", "Forward 5 seconds", shown_key="→", priority=True),
        Action("comma", "skip_event(-1)", "Event", "To the previous event", shown_key=","),
        Action("full_stop", "skip_event(1)", "Event", "To the next event", shown_key="."),
        _DISMISS,
        Action("home", "seek(0)", "To the beginning", footer=False, priority=True),
        Action("end", "seek(-1)", "To the end", footer=False, priority=True),
        *_step_actions("seek_step", "To where work on a step begins"),
        Action("a", "prompt_position", "Go to…", "Go to a step, to 14:03, to 5m from the beginning, to 50%"),
        Action("l", "enlarge_log", "Log", "More room for the output"),
    ),
    "compare": (
        Action("a", "toggle_unchanged", "All / only differences"),
        Action("s", "swap", "Swap", "Swap the two sessions"),
        _DISMISS,
    ),
    "durations": (
        Action("a", "toggle_all_projects", "This project / all", "Sessions of this project only, or of all"),
        _DISMISS,
    ),
    "team": (Action("r", "reload", "Read again"), _DISMISS),
    "session.base": (_KEYS_HELP,),
    "dialog": (Action("escape", "dismiss(None)", "Cancel"),),
    "dialog.confirm": (
        Action("enter,y", "agree", "Go ahead"),
        Action("n", "dismiss(None)", "No", footer=False),
    ),
    "dialog.raw": (
        Action("x,q,enter", "dismiss(None)", "Close"),
        Action("g", "guide", "What explains this?", "Look it up in the guide"),
    ),
    "dialog.keys": (Action("question_mark,q,enter", "dismiss(None)", "Close"),),
    "dialog.handoff": (
        Action("y", "answer(True)", "Release the lock"),
        Action("n", "answer(False)", "Keep it"),
    ),
    "dialog.rate": (
        Action("y,enter", "dismiss(True)", "Yes, it did"),
        Action("n", "dismiss(False)", "No"),
        Action("escape", "dismiss(None)", "Not yet"),
    ),
    "dialog.export": (Action("s", "anonymize", "Mask accounts, names, addresses too"),),
    "rows": (
        Action("up,k", "move(-1)", help="Up", footer=False),
        Action("down,j", "move(1)", help="Down", footer=False),
        Action("pageup", "page(-1)", help="A page up", footer=False),
        Action("pagedown", "page(1)", help="A page down", footer=False),
        Action("home", "go(0)", help="To the beginning", footer=False),
        Action("end", "go(-1)", help="To the end", footer=False),
        Action("enter,space", "choose", help="Open the row", footer=False),
    ),
    "pager": (
        Action("up,k", "move(-1)", help="A line up", footer=False),
        Action("down,j,enter", "move(1)", help="A line down", footer=False),
        Action("pageup", "page(-1)", help="A page up", footer=False),
        Action("pagedown,space", "page(1)", help="A page down", footer=False),
        Action("home", "go(0)", help="To the beginning", footer=False),
        Action("end", "end", help="To the end", footer=False),
        Action("left", "sideways(-1)", help="To the left, in long lines", footer=False),
        Action("right", "sideways(1)", help="To the right", footer=False),
    ),
}


def bindings(where: str) -> list[BindingType]:
    """The bindings of the class whose keys hold in this place."""
    return [
        Binding(
            action.key,
            action.name,
            action.label,
            show=action.footer,
            key_display=action.shown_key or None,
            priority=action.priority,
            tooltip=action.help,
            id=action.id or None,
        )
        for action in ACTIONS[where]
        if action.name
    ]


def key_rows(where: str) -> list[tuple[str, str]]:
    """Keys and what they do, as the help and the documents have them; rows that say the same are one."""
    rows = [(_help_key(action), action.help or action.label) for action in ACTIONS[where]]
    return [row for row, _same in groupby(rows)]


_KEY_NAMES = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "Page up",
    "pagedown": "Page down",
    "question_mark": "?",
    "slash": "/",
    "number_sign": "#",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "ctrl+c": "Ctrl-C",
    "ctrl+d": "Ctrl-D",
    "ctrl+l": "Ctrl-L",
    "f2": "F2",
}


def _help_key(action: Action) -> str:
    """`escape,q` to `Escape, q`."""
    if not action.name or action.help_key:
        return action.help_key or action.key
    names = [_KEY_NAMES.get(key, key if len(key) == 1 else key.capitalize()) for key in action.key.split(",")]
    return ", ".join(["Enter", *names] if action.shown_key == "⏎" else names)
