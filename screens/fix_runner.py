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
    CopyText,
    Finding,
    Fix,
    OpenStep,
    PasteSecret,
    PickProfile,
    Risk,
    RunCommand,
    RunInTerminal,
    SetVariable,
    UnsetVariable,
)
from screens import workers
from screens.dialogs import ChoiceDialog, ConfirmDialog, PromptDialog, TypedConfirmDialog
from screens.frame import MainScreenProtocol
from screens.messages import CheckRequested, StepRequested
from screens.style.icons import RISK_LABEL, format_leftover_count
from screens.widgets.command_status import StepCommand


def run_fix(screen: MainScreenProtocol, finding: Finding, fix: Fix) -> None:
    """Ask what has to be asked, then do it. Nothing that changes the world happens without a question."""
    match fix.action:
        case RunCommand():
            _confirm_then(
                screen,
                finding,
                fix,
                lambda: screen.start_command(lambda desk: desk.run_fix_command(finding, fix), finding.step),
            )
        case RunInTerminal(argv=argv):
            _confirm_then(screen, finding, fix, lambda: _run_fix_in_terminal(screen, finding, fix, argv))
        case PasteSecret(argv=argv, prompt=prompt):
            _prompt_secret_and_run(screen, finding, fix, argv, prompt)
        case SetVariable(name=name, secret=secret, purpose=purpose):
            _prompt_variable(screen, finding, name, secret, purpose)
        case UnsetVariable(name=name):
            workers.report_errors(screen, lambda desk: desk.unset_variable(name))
            screen.notify(f"{name} is left out of everything this session starts.", markup=False)
            screen.post_message(CheckRequested(()))
        case PickProfile(choices=choices):
            _pick_profile(screen, choices)
        case OpenStep(step=step, select=select):
            screen.post_message(StepRequested(step, select))
        case CopyText(text=text):
            screen.app.copy_to_clipboard(text)
            screen.notify(f"Sent to your terminal's clipboard (OSC 52): {text}", markup=False)


def _describe_fix(fix: Fix) -> Content:
    parts = [Content.styled(f"$ {fix.command}", "bold $text-accent")] if fix.command else []
    if fix.changes:
        parts.append(Content(fix.changes))
    parts.append(Content.styled(f"Risk: {RISK_LABEL[fix.risk]}", "$foreground 62%"))
    return Content("\n\n").join(parts)


def _confirm_then(screen: MainScreenProtocol, finding: Finding, fix: Fix, proceed: object) -> None:
    assert callable(proceed)

    def decided(answer: object) -> None:
        if answer:
            proceed()

    if fix.risk is Risk.READS:
        proceed()
    elif fix.risk is Risk.DESTROYS or fix.typed:
        settings = screen.project.config.settings if screen.project else None
        expected = (settings.aws.account_name or settings.project if settings else "") or "yes, destroy"
        screen.app.push_screen(TypedConfirmDialog(fix.title, _describe_fix(fix), fix.typed or expected), decided)
    else:
        screen.app.push_screen(ConfirmDialog(fix.title, _describe_fix(fix)), decided)


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


def _run_fix_in_terminal(screen: MainScreenProtocol, finding: Finding, fix: Fix, argv: tuple[str, ...]) -> None:
    from textual.app import SuspendNotSupported

    desk = screen.project
    assert desk is not None
    workers.report_errors(screen, lambda at: at.record_fix_choice(finding, fix))
    try:
        with screen.app.suspend():
            print(f"\n$ {fix.command}\n(ecotui waits; when this ends, it comes back)\n", flush=True)  # noqa: T201 - the screen is away, this is the terminal
            try:
                code = run_in_terminal(argv, desk.child_env())
            except OSError as error:
                code = 127
                print(error, flush=True)  # noqa: T201 - the screen is away, this is the terminal
    except SuspendNotSupported:
        screen.notify(f"This terminal cannot be lent. Run it yourself: {fix.command}", severity="warning", markup=False)
        return
    screen.refresh(layout=True)
    if code:
        screen.notify(f"{argv[0]} ended with exit code {code}.", severity="warning", markup=False)
    screen.post_message(CheckRequested((finding.step,)))


def _prompt_secret_and_run(
    screen: MainScreenProtocol, finding: Finding, fix: Fix, argv: tuple[str, ...], prompt: str
) -> None:
    def given(secret: str | None) -> None:
        if secret:
            workers.report_errors(screen, lambda desk: desk.record_fix_choice(finding, fix))
            data = f"{secret}\n".encode()
            screen.start_command(
                lambda desk: desk.start_command(finding.step, fix.title, argv, stdin=data), finding.step
            )

    said = Content.assemble(Content.styled(f"$ {fix.command}", "$text-accent"), f"\n\n{prompt}")
    screen.app.push_screen(PromptDialog(fix.title, said, secret=True), given)


def _prompt_variable(screen: MainScreenProtocol, finding: Finding, name: str, secret: bool, purpose: str) -> None:
    def given(value: str | None) -> None:
        if value:
            workers.report_errors(screen, lambda desk: desk.set_variable(name, value, secret=secret))
            screen.post_message(CheckRequested((finding.step,)))

    said = Content(f"{name}, for this session only{f': {purpose}' if purpose else ''}.")
    screen.app.push_screen(PromptDialog(f"Set {name}", said, secret=secret), given)


def _pick_profile(screen: MainScreenProtocol, choices: tuple[str, ...]) -> None:
    def picked(profile: str | None) -> None:
        if profile:
            workers.report_errors(screen, lambda desk: desk.pick_profile(profile))
            screen.post_message(CheckRequested(()))

    screen.app.push_screen(ChoiceDialog("AWS profile for this session", choices), picked)


def delete_leftovers(screen: MainScreenProtocol, detail: CleanupDetail, keys: tuple[str, ...]) -> None:
    """Freeze the list as it was shown and consented to, and start the deletion of exactly that."""
    from checks.cleanup.approval import ApprovalError, build_approval, write_approval

    desk = screen.project
    assert desk is not None
    # A name of its own: a list that was approved is never written over.
    file = desk.session.folder / f"approved-{time.strftime('%H%M%S')}-{secrets.token_hex(3)}.json"
    try:
        write_approval(build_approval(detail, keys), file)
    except (ApprovalError, OSError) as error:
        screen.notify(str(error), title="The list could not be written", severity="error", markup=False)
        return
    argv = ("ecotui", "cleanup", "--delete", "--approve", str(file), "--progress")
    screen.start_command(
        lambda at: at.start_command("cleanup", f"Delete {format_leftover_count(len(keys))}", argv), "cleanup"
    )


def interrupt_command(screen: MainScreenProtocol, step_command: StepCommand) -> None:
    """First ask the command to stop by itself; when that was asked already, typed consent to force it."""
    command = step_command.command
    if command.id in screen.interrupted_commands:

        def forced(answer: str | None) -> None:
            if answer:
                workers.report_errors(screen, lambda desk: desk.interrupt_command(command, force=True))

        said = Content(
            f"{command.title} was asked to stop and has not ended yet. Forcing it can lose what it was about to write: "
            "terraform may leave a held lock and resources that are in no state."
        )
        screen.app.push_screen(TypedConfirmDialog("Force it to stop", said, "force"), forced)
        return

    def agreed(answer: bool | None) -> None:
        if answer:
            screen.interrupted_commands.add(command.id)
            workers.report_errors(screen, lambda desk: desk.interrupt_command(command))
            screen.notify("Asked to stop. It finishes what it has begun; i once more forces it.", markup=False)

    said = Content(f"{command.title} is asked to stop. It finishes what it has begun, and then ends.")
    screen.app.push_screen(ConfirmDialog("Interrupt", said), agreed)
