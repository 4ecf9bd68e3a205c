"""Between a wish and its fulfilment: what is asked before a fix is carried out, by how it is carried out."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Sequence

from textual.content import Content

from checks.cleanup.model import CleanupDetail
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
from screens import workers
from screens.dialogs import Ask, Choose, Confirm, Typed
from screens.frame import Frame
from screens.messages import LookWanted, StepWanted
from screens.style.icons import RISK_WORD, leftovers
from screens.widgets.command_status import Following


def carry_out(frame: Frame, finding: Finding, fix: Fix) -> None:
    """Ask what has to be asked, then do it. Nothing that changes the world happens without a question."""
    match fix.action:
        case Run():
            _ask_then(
                frame, finding, fix, lambda: frame.start(lambda desk: desk.run(finding, fix), finding.step)
            )
        case InTerminal(argv=argv):
            _ask_then(frame, finding, fix, lambda: _in_terminal(frame, finding, fix, argv))
        case Paste(argv=argv, prompt=prompt):
            _paste(frame, finding, fix, argv, prompt)
        case SetVariable(name=name, secret=secret, purpose=purpose):
            _set_variable(frame, finding, name, secret, purpose)
        case UnsetVariable(name=name):
            workers.guarded(frame, lambda desk: desk.unset_variable(name))
            frame.notify(f"{name} is left out of everything this session starts.", markup=False)
            frame.post_message(LookWanted(()))
        case PickProfile(choices=choices):
            _pick_profile(frame, choices)
        case Visit(step=step, select=select):
            frame.post_message(StepWanted(step, select))
        case Copy(text=text):
            frame.app.copy_to_clipboard(text)
            frame.notify(f"Sent to your terminal's clipboard (OSC 52): {text}", markup=False)


def _said(fix: Fix) -> Content:
    parts = [Content.styled(f"$ {fix.command}", "bold $text-accent")] if fix.command else []
    if fix.changes:
        parts.append(Content(fix.changes))
    parts.append(Content.styled(f"Risk: {RISK_WORD[fix.risk]}", "$foreground 62%"))
    return Content("\n\n").join(parts)


def _ask_then(frame: Frame, finding: Finding, fix: Fix, go: object) -> None:
    assert callable(go)

    def decided(answer: object) -> None:
        if answer:
            go()

    if fix.risk is Risk.READS:
        go()
    elif fix.risk is Risk.DESTROYS or fix.typed:
        settings = frame.desk.loaded.settings if frame.desk else None
        expected = (settings.aws.account_name or settings.project if settings else "") or "yes, destroy"
        frame.app.push_screen(Typed(fix.title, _said(fix), fix.typed or expected), decided)
    else:
        frame.app.push_screen(Confirm(fix.title, _said(fix)), decided)


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


def _in_terminal(frame: Frame, finding: Finding, fix: Fix, argv: tuple[str, ...]) -> None:
    from textual.app import SuspendNotSupported

    desk = frame.desk
    assert desk is not None
    workers.guarded(frame, lambda at: at.chose(finding, fix))
    try:
        with frame.app.suspend():
            print(f"\n$ {fix.command}\n(ecotui waits; when this ends, it comes back)\n", flush=True)  # noqa: T201 - the screen is away, this is the terminal
            try:
                code = run_in_terminal(argv, desk.env())
            except OSError as error:
                code = 127
                print(error, flush=True)  # noqa: T201 - the screen is away, this is the terminal
    except SuspendNotSupported:
        frame.notify(
            f"This terminal cannot be lent. Run it yourself: {fix.command}", severity="warning", markup=False
        )
        return
    frame.refresh(layout=True)
    if code:
        frame.notify(f"{argv[0]} ended with exit code {code}.", severity="warning", markup=False)
    frame.post_message(LookWanted((finding.step,)))


def _paste(frame: Frame, finding: Finding, fix: Fix, argv: tuple[str, ...], prompt: str) -> None:
    def given(secret: str | None) -> None:
        if secret:
            workers.guarded(frame, lambda desk: desk.chose(finding, fix))
            data = f"{secret}\n".encode()
            frame.start(lambda desk: desk.start(finding.step, fix.title, argv, stdin=data), finding.step)

    said = Content.assemble(Content.styled(f"$ {fix.command}", "$text-accent"), f"\n\n{prompt}")
    frame.app.push_screen(Ask(fix.title, said, secret=True), given)


def _set_variable(frame: Frame, finding: Finding, name: str, secret: bool, purpose: str) -> None:
    def given(value: str | None) -> None:
        if value:
            workers.guarded(frame, lambda desk: desk.set_variable(name, value, secret=secret))
            frame.post_message(LookWanted((finding.step,)))

    said = Content(f"{name}, for this session only{f': {purpose}' if purpose else ''}.")
    frame.app.push_screen(Ask(f"Set {name}", said, secret=secret), given)


def _pick_profile(frame: Frame, choices: tuple[str, ...]) -> None:
    def picked(profile: str | None) -> None:
        if profile:
            workers.guarded(frame, lambda desk: desk.pick_profile(profile))
            frame.post_message(LookWanted(()))

    frame.app.push_screen(Choose("AWS profile for this session", choices), picked)


def delete_leftovers(frame: Frame, detail: CleanupDetail, keys: tuple[str, ...]) -> None:
    """Freeze the list as it was shown and consented to, and start the deletion of exactly that."""
    from checks.cleanup.approval import ApprovalError, approve, write

    desk = frame.desk
    assert desk is not None
    # A name of its own: a list that was approved is never written over.
    file = desk.session.folder / f"approved-{time.strftime('%H%M%S')}-{secrets.token_hex(3)}.json"
    try:
        write(approve(detail, keys), file)
    except (ApprovalError, OSError) as error:
        frame.notify(str(error), title="The list could not be written", severity="error", markup=False)
        return
    argv = ("ecotui", "cleanup", "--delete", "--approve", str(file), "--progress")
    frame.start(lambda at: at.start("cleanup", f"Delete {leftovers(len(keys))}", argv), "cleanup")


def interrupt(frame: Frame, following: Following) -> None:
    """First ask the command to stop by itself; when that was asked already, typed consent to force it."""
    command = following.command
    if command.id in frame.asked_to_stop:

        def forced(answer: str | None) -> None:
            if answer:
                workers.guarded(frame, lambda desk: desk.interrupt(command, force=True))

        said = Content(
            f"{command.title} was asked to stop and has not ended yet. Forcing it can lose what it was about to write: "
            "terraform may leave a held lock and resources that are in no state."
        )
        frame.app.push_screen(Typed("Force it to stop", said, "force"), forced)
        return

    def agreed(answer: bool | None) -> None:
        if answer:
            frame.asked_to_stop.add(command.id)
            workers.guarded(frame, lambda desk: desk.interrupt(command))
            frame.notify("Asked to stop. It finishes what it has begun; i once more forces it.", markup=False)

    said = Content(f"{command.title} is asked to stop. It finishes what it has begun, and then ends.")
    frame.app.push_screen(Confirm("Interrupt", said), agreed)
