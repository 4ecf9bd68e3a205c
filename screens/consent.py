"""Between a wish and its fulfilment: what is asked before a fix is carried out, by how it is carried out."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from checks.cleanup.leftover import CleanupDetail
from checks.finding import (
    Copy,
    Finding,
    Fix,
    InTerminal,
    Paste,
    PickProfile,
    Risk,
    Run,
    SetVariable,
    UnsetVariable,
    Visit,
)
from screens import watch
from screens.dialogs import Ask, Choose, Confirm, Typed
from screens.intents import LookWanted, StepWanted
from screens.signs import RISK_WORD

if TYPE_CHECKING:
    from screens.rebuild import RebuildScreen


def carry_out(screen: RebuildScreen, finding: Finding, fix: Fix) -> None:
    """Ask what has to be asked, then do it. Nothing that changes the world happens without a question."""
    match fix.action:
        case Run():
            _ask_then(
                screen, finding, fix, lambda: screen.start(lambda desk: desk.run(finding, fix), finding.step)
            )
        case InTerminal(argv=argv):
            _ask_then(screen, finding, fix, lambda: _in_terminal(screen, finding, fix, argv))
        case Paste(argv=argv, prompt=prompt):
            _paste(screen, finding, fix, argv, prompt)
        case SetVariable(name=name, secret=secret, purpose=purpose):
            _set_variable(screen, finding, name, secret, purpose)
        case UnsetVariable(name=name):
            watch.guarded(screen, lambda desk: desk.unset_variable(name))
            screen.notify(f"{name} is left out of everything this session starts.", markup=False)
            screen.post_message(LookWanted(()))
        case PickProfile(choices=choices):
            _pick_profile(screen, choices)
        case Visit(step=step, select=select):
            screen.post_message(StepWanted(step, select))
        case Copy(text=text):
            screen.app.copy_to_clipboard(text)
            screen.notify(f"Sent to your terminal's clipboard (OSC 52): {text}", markup=False)


def _said(fix: Fix) -> Content:
    parts = [Content.styled(f"$ {fix.command}", "bold $text-accent")] if fix.command else []
    if fix.changes:
        parts.append(Content(fix.changes))
    parts.append(Content.styled(f"Risk: {RISK_WORD[fix.risk]}", "$foreground 62%"))
    return Content("\n\n").join(parts)


def _ask_then(screen: RebuildScreen, finding: Finding, fix: Fix, go: object) -> None:
    assert callable(go)

    def decided(answer: object) -> None:
        if answer:
            go()

    if fix.risk is Risk.READS:
        go()
    elif fix.risk is Risk.DESTROYS:
        settings = screen.desk.loaded.settings if screen.desk else None
        expected = (settings.aws.account_name or settings.project if settings else "") or "yes, destroy"
        screen.app.push_screen(Typed(fix.title, _said(fix), expected), decided)
    else:
        screen.app.push_screen(Confirm(fix.title, _said(fix)), decided)


def run_in_terminal(argv: Sequence[str], env: dict[str, str]) -> int:
    """Run a command that talks to the operator. Ctrl-C is the child's alone while it runs."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # The child must not inherit the ignored signal.
        return subprocess.run(
            argv, env=env, check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _in_terminal(screen: RebuildScreen, finding: Finding, fix: Fix, argv: tuple[str, ...]) -> None:
    from textual.app import SuspendNotSupported

    desk = screen.desk
    assert desk is not None
    watch.guarded(screen, lambda at: at.chose(finding, fix))
    try:
        with screen.app.suspend():
            print(f"\n$ {fix.command}\n(ecotui waits; when this ends, it comes back)\n", flush=True)  # noqa: T201
            try:
                code = run_in_terminal(argv, desk.env())
            except OSError as error:
                code = 127
                print(error, flush=True)  # noqa: T201
    except SuspendNotSupported:
        screen.notify(
            f"This terminal cannot be lent. Run it yourself: {fix.command}", severity="warning", markup=False
        )
        return
    screen.refresh(layout=True)
    if code:
        screen.notify(f"{argv[0]} ended with exit code {code}.", severity="warning", markup=False)
    screen.post_message(LookWanted((finding.step,)))


def _paste(screen: RebuildScreen, finding: Finding, fix: Fix, argv: tuple[str, ...], prompt: str) -> None:
    def given(secret: str | None) -> None:
        if secret:
            watch.guarded(screen, lambda desk: desk.chose(finding, fix))
            data = f"{secret}\n".encode()
            screen.start(lambda desk: desk.start(finding.step, fix.title, argv, stdin=data), finding.step)

    said = Content.assemble(Content.styled(f"$ {fix.command}", "$text-accent"), f"\n\n{prompt}")
    screen.app.push_screen(Ask(fix.title, said, secret=True), given)


def _set_variable(screen: RebuildScreen, finding: Finding, name: str, secret: bool, purpose: str) -> None:
    def given(value: str | None) -> None:
        if value:
            watch.guarded(screen, lambda desk: desk.set_variable(name, value, secret=secret))
            screen.post_message(LookWanted((finding.step,)))

    said = Content(f"{name}, for this session only{f': {purpose}' if purpose else ''}.")
    screen.app.push_screen(Ask(f"Set {name}", said, secret=secret), given)


def _pick_profile(screen: RebuildScreen, choices: tuple[str, ...]) -> None:
    def picked(profile: str | None) -> None:
        if profile:
            watch.guarded(screen, lambda desk: desk.pick_profile(profile))
            screen.post_message(LookWanted(()))

    screen.app.push_screen(Choose("AWS profile for this session", choices), picked)


def delete_leftovers(screen: RebuildScreen, detail: CleanupDetail, keys: tuple[str, ...]) -> None:
    """Freeze the list as it was shown and consented to, and start the deletion of exactly that."""
    from checks.cleanup.approval import ApprovalError, approve, write

    desk = screen.desk
    assert desk is not None
    file = desk.session.folder / f"approved-{time.strftime('%H%M%S')}.json"
    try:
        write(approve(detail, keys), file)
    except (ApprovalError, OSError) as error:
        screen.notify(str(error), title="The list could not be written", severity="error", markup=False)
        return
    argv = ("ecotui", "cleanup", "--delete", "--approve", str(file), "--progress")
    screen.start(lambda at: at.start("cleanup", f"Delete {len(keys)} leftovers", argv), "cleanup")


def interrupt(screen: RebuildScreen, following: watch.Following) -> None:
    """First ask the command to stop by itself; when that was asked already, typed consent to force it."""
    command = following.command
    if command.id in screen.asked_to_stop:

        def forced(answer: str | None) -> None:
            if answer:
                watch.guarded(screen, lambda desk: desk.interrupt(command, force=True))

        said = Content(
            f"{command.title} was asked to stop and has not ended yet. Forcing it can lose what it was about to write: "
            "terraform may leave a held lock and resources that are in no state."
        )
        screen.app.push_screen(Typed("Force it to stop", said, "force"), forced)
        return

    def agreed(answer: bool | None) -> None:
        if answer:
            screen.asked_to_stop.add(command.id)
            watch.guarded(screen, lambda desk: desk.interrupt(command))
            screen.notify(
                "Asked to stop. It finishes what it has begun; i once more forces it.", markup=False
            )

    said = Content(f"{command.title} is asked to stop. It finishes what it has begun, and then ends.")
    screen.app.push_screen(Confirm("Interrupt", said), agreed)
