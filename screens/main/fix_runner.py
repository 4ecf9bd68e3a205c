"""Runs a fix: asks for the consent that its kind needs, then starts it. Also records overrides."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from textual.content import Content

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
from screens.dialogs import ChoiceDialog, ConfirmDialog, PromptDialog, TypedConfirmDialog
from screens.main.commands import CommandController
from screens.messages import CheckRequested, CleanupApproved, StepRequested
from screens.style.icons import RISK_LABEL, format_leftover_count
from screens.style.themes import MUTED


def run_fix(commands: CommandController, finding: Finding, fix: Fix) -> None:
    """Ask what has to be asked, then run the fix. Nothing that changes anything happens without a question."""
    screen = commands.screen
    match fix.action:
        case RunCommand():

            def start() -> None:
                commands.start(lambda project: project.run_fix_command(finding, fix), finding.step)

            _confirm(commands, fix, start)
        case RunInTerminal(argv=argv):

            def run() -> None:
                _run_in_terminal(commands, finding, fix, argv)

            _confirm(commands, fix, run)
        case PasteSecret(argv=argv, prompt=prompt):
            _prompt_secret(commands, finding, fix, argv, prompt)
        case SetVariable(name=name, secret=secret, purpose=purpose):
            _prompt_variable(commands, finding, name, secret, purpose)
        case UnsetVariable(name=name):
            screen.report_errors(lambda project: project.unset_variable(name))
            screen.notify(f"{name} is left out of everything this session starts.", markup=False)
            screen.post_message(CheckRequested(()))
        case PickProfile(choices=choices):
            _pick_profile(commands, choices)
        case OpenStep(step=step, select=select):
            screen.post_message(StepRequested(step, select))
        case CopyText(text=text):
            screen.app.copy_to_clipboard(text)
            screen.notify(f"Sent to your terminal's clipboard (OSC 52): {text}", markup=False)


def _describe_fix(fix: Fix) -> Content:
    parts = [Content.styled(f"$ {fix.command}", "bold $text-accent")] if fix.command else []
    if fix.changes:
        parts.append(Content(fix.changes))
    parts.append(Content.styled(f"Risk: {RISK_LABEL[fix.risk]}", MUTED))
    return Content("\n\n").join(parts)


def _confirm(commands: CommandController, fix: Fix, proceed: Callable[[], None]) -> None:
    """Ask for the consent that the risk of a fix needs: none to read, typed words to destroy."""

    def answered(answer: object) -> None:
        if answer:
            proceed()

    screen = commands.screen
    if fix.risk is Risk.READS:
        proceed()
    elif fix.risk is Risk.DESTROYS or fix.typed:
        settings = screen.project.config.settings if screen.project else None
        expected = (settings.aws.account_name or settings.project if settings else "") or "yes, destroy"
        screen.app.push_screen(TypedConfirmDialog(fix.title, _describe_fix(fix), fix.typed or expected), answered)
    else:
        screen.app.push_screen(ConfirmDialog(fix.title, _describe_fix(fix)), answered)


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


def _run_in_terminal(commands: CommandController, finding: Finding, fix: Fix, argv: tuple[str, ...]) -> None:
    from textual.app import SuspendNotSupported

    screen, project = commands.screen, commands.screen.project
    assert project is not None
    screen.report_errors(lambda project: project.record_fix_choice(finding, fix))
    try:
        with screen.app.suspend():
            print(f"\n$ {fix.command}\n(ecotui waits; when this ends, it comes back)\n", flush=True)  # noqa: T201 - the screen is away, this is the terminal
            try:
                code = run_in_terminal(argv, project.child_env())
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


def _prompt_secret(commands: CommandController, finding: Finding, fix: Fix, argv: tuple[str, ...], prompt: str) -> None:
    def start(secret: str | None) -> None:
        if secret:
            commands.screen.report_errors(lambda project: project.record_fix_choice(finding, fix))
            stdin = f"{secret}\n".encode()
            commands.start(
                lambda project: project.start_command(finding.step, fix.title, argv, stdin=stdin), finding.step
            )

    body = Content.assemble(Content.styled(f"$ {fix.command}", "$text-accent"), f"\n\n{prompt}")
    commands.screen.app.push_screen(PromptDialog(fix.title, body, secret=True), start)


def _prompt_variable(commands: CommandController, finding: Finding, name: str, secret: bool, purpose: str) -> None:
    screen = commands.screen

    def set_variable(value: str | None) -> None:
        if value:
            screen.report_errors(lambda project: project.set_variable(name, value, secret=secret))
            screen.post_message(CheckRequested((finding.step,)))

    body = Content(f"{name}, for this session only{f': {purpose}' if purpose else ''}.")
    screen.app.push_screen(PromptDialog(f"Set {name}", body, secret=secret), set_variable)


def _pick_profile(commands: CommandController, choices: tuple[str, ...]) -> None:
    screen = commands.screen

    def pick(profile: str | None) -> None:
        if profile:
            screen.report_errors(lambda project: project.pick_profile(profile))
            screen.post_message(CheckRequested(()))

    screen.app.push_screen(ChoiceDialog("AWS profile for this session", choices), pick)


def ask_override(commands: CommandController, finding: Finding) -> None:
    """Ask why a finding may be overridden, and record the override."""
    screen = commands.screen

    def override(reason: str | None) -> None:
        if reason:
            screen.report_errors(lambda project: project.override_finding(finding, reason))
            screen.refresh_rebuild()

    body = Content.assemble(
        Content.styled(finding.summary, "bold"),
        f"\n\nThe rebuild goes on as if {finding.id} were ok. Give the reason; it goes into the session log.",
    )
    screen.app.push_screen(PromptDialog("Override", body), override)


def delete_leftovers(commands: CommandController, approved: CleanupApproved) -> None:
    """Write down the approved list as it was shown, and start the deletion of exactly that."""
    from checks.cleanup.approval import ApprovalError, build_approval, write_approval

    screen, project = commands.screen, commands.screen.project
    assert project is not None
    # A name of its own: a list that was approved is never written over.
    file = project.session.folder / f"approved-{time.strftime('%H%M%S')}-{secrets.token_hex(3)}.json"
    try:
        write_approval(build_approval(approved.detail, approved.keys), file)
    except (ApprovalError, OSError) as error:
        screen.notify(str(error), title="The list could not be written", severity="error", markup=False)
        return
    title = f"Delete {format_leftover_count(len(approved.keys))}"
    argv = ("ecotui", "cleanup", "--delete", "--approve", str(file), "--progress")
    commands.start(lambda project: project.start_command("cleanup", title, argv), "cleanup")
