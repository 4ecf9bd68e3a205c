"""Make a plan, read it, forecast it, and save both: what `ecotui plan` does."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast.forecast import forecast
from checks.apply.forecast.model import Forecast, Review
from checks.apply.plan.model import PlanUnreadable, read
from checks.context import World
from checks.sanitize import sanitize
from checks.tools.run import CommandError, CommandMissing, CommandUnrunnable
from checks.tools.terraform import Held, Terraform, TerraformError
from checks.tools.terraform_errors import parse

_KEPT = 2_000
"""Lines of the plan's stream that are kept, to say what went wrong."""


class Stopped(Exception):
    """The operator interrupted; terraform was given the time to end by itself."""


def make(
    world: World, folder: Path, *, line: Callable[[str], None], say: Callable[[str], None]
) -> tuple[Review, Path]:
    """Initialise if needed, plan, forecast, and save into `folder`. Returns the review and the plan's file.

    `line` gets terraform's own JSON lines as they come, `say` what is being done.
    Raises CommandError (terraform refused, or cannot be run), PlanUnreadable, Stopped, OSError (disk).
    """
    terraform = Terraform(world)
    plan_store.make_folder(folder)
    plan_file = folder / plan_store.PLAN
    plan_file.unlink(missing_ok=True)
    (folder / plan_store.REVIEW).unlink(missing_ok=True)
    if not terraform.initialised():
        initialise(terraform, say)
    say(f"{terraform.name} plan")
    # Read before the plan: a change in between makes the plan look stale, never fresh.
    try:
        held = terraform.state()
    except CommandError:
        held = None
    try:
        return _reviewed(world, terraform, plan_file, held, line=line, say=say)
    except BaseException:
        # Without its review nobody can apply it: it would only hold secrets, and room on a disk that may be full.
        plan_file.unlink(missing_ok=True)
        raise


def _reviewed(
    world: World,
    terraform: Terraform,
    plan_file: Path,
    held: Held | None,
    *,
    line: Callable[[str], None],
    say: Callable[[str], None],
) -> tuple[Review, Path]:
    try:
        stream(terraform, plan_file, line)
    except TerraformError as error:
        if not error.not_initialised:
            raise
        initialise(terraform, say)
        held = terraform.state()
        stream(terraform, plan_file, line)
    plan_file.chmod(0o600)
    say("reading the plan")
    plan, planned = read(terraform.show_plan(plan_file))
    if plan.errored:
        raise PlanUnreadable("planning failed halfway; this plan cannot be applied")
    say("looking at the account")
    aws = any(one.type.startswith("aws_") for one in planned)
    seen = forecast(world.saying(say), planned) if aws else Forecast()
    review = Review(
        plan_sha256=plan_store.digest(plan_file),
        made=time.time(),
        folder=str(terraform.folder),
        workspace=world.settings.terraform.workspace,
        plan=plan,
        forecast=seen,
        account=_account(world) if aws else "",
        region=world.aws.region if aws else "",
        serial=held.serial if held else -1,
        lineage=held.lineage if held else "",
    )
    plan_store.write_review(plan_file.parent, review)
    return review, plan_file


def initialise(terraform: Terraform, say: Callable[[str], None]) -> None:
    """Run init. Raises CommandError."""
    say(f"{terraform.name} init: providers and modules")
    terraform.init()


def stream(terraform: Terraform, plan_file: Path, line: Callable[[str], None]) -> None:
    """Plan into the file, telling each line. There is no limit in time. Raises CommandError, Stopped."""
    argv = terraform.plan_argv(plan_file)
    try:
        # A process session of its own: the terminal's Ctrl-C must not reach it beside the one that is passed on here.
        child = subprocess.Popen(
            argv,
            cwd=terraform.folder,
            env=terraform.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            umask=0o077,
        )
    except FileNotFoundError:
        raise CommandMissing(argv[0]) from None
    except OSError as error:
        raise CommandUnrunnable(argv[0], error.strerror or str(error)) from None
    said: list[str] = []
    assert child.stdout is not None
    assert child.stderr is not None
    errors: list[str] = []
    # Both pipes are read: a child that fills the one which nobody reads would wait for ever.
    reader = threading.Thread(target=_collect, args=(child.stderr, errors), daemon=True)
    reader.start()
    interrupted = False
    while True:
        try:
            for text in child.stdout:
                said.append(text)
                if len(said) > 2 * _KEPT:
                    del said[:-_KEPT]
                line(text.rstrip("\n"))
            code = child.wait()
            break
        except KeyboardInterrupt:
            # The first asks terraform to end by itself, the second makes it; then there is nothing to save.
            child.send_signal(signal.SIGKILL if interrupted else signal.SIGINT)
            interrupted = True
    reader.join(timeout=5)
    if interrupted:
        raise Stopped
    if code:
        raw = "".join([*errors, *said])
        found = parse("".join(said)) + parse("".join(errors))
        raise TerraformError(argv, found, sanitize(raw, limit=20_000))


def _collect(source: Iterable[str], into: list[str]) -> None:
    for text in source:
        into.append(text)
        if len(into) > 2 * _KEPT:
            del into[:-_KEPT]


def _account(world: World) -> str:
    try:
        return world.aws.identity().account
    except Exception:  # noqa: BLE001 - who we are is a convenience here; the environment step says what is wrong
        return ""
