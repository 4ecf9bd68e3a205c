"""Creates a plan, reads it, forecasts it, and saves both: what `ecotui plan` does."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from checks.apply import plan_store
from checks.apply.durations import DurationStats, add_no_wait_estimates
from checks.apply.forecast.forecast import make_forecast
from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.plan.model import Plan, PlannedChange, PlanUnreadable, read_plan
from checks.context import CheckContext
from checks.sanitize import sanitize
from checks.tools.run import CommandError, CommandNotExecutable, CommandNotFound
from checks.tools.terraform import StateSummary, Terraform, TerraformError
from checks.tools.terraform_errors import parse_diagnostics

_MAX_LINES = 2_000
"""The last lines of the plan's stream that are kept, for an error."""


class PlanInterrupted(Exception):
    """The operator interrupted; terraform ended by itself."""


def create_plan(
    context: CheckContext,
    folder: Path,
    *,
    on_line: Callable[[str], None],
    on_progress: Callable[[str], None],
    read_durations: Callable[[Collection[str]], DurationStats] = lambda addresses: DurationStats(),
) -> tuple[SavedReview, Path]:
    """Initialise if needed, plan, forecast, and save into `folder`. Returns the review and the plan's file.

    `on_line` gets terraform's JSON lines as they come, `on_progress` what is being done. `read_durations` gives the
    durations of these addresses in earlier applies.
    Raises CommandError (terraform refused, or cannot be run), PlanUnreadable, PlanInterrupted, OSError (disk).
    """
    terraform = Terraform(context)
    plan_store.make_plan_folder(folder)
    plan_file = folder / plan_store.PLAN_FILE
    plan_file.unlink(missing_ok=True)
    (folder / plan_store.REVIEW_FILE).unlink(missing_ok=True)
    if not terraform.is_initialised():
        run_init(terraform, on_progress)
    on_progress(f"{terraform.name} plan")
    # Read before the plan: a change in between makes the plan stale, never fresh.
    try:
        state = terraform.pull_state()
    except CommandError:
        state = None
    try:
        plan, planned, state = _run_and_read_plan(terraform, plan_file, state, on_line=on_line, on_progress=on_progress)
        on_progress("checking the account")
        aws = any(one.type.startswith("aws_") for one in planned)
        forecast = Forecast()
        if aws:
            durations = add_no_wait_estimates(read_durations(plan.operations), plan.no_wait_addresses)
            forecast = make_forecast(
                context.with_progress(on_progress), planned, dependencies=plan.dependencies, durations=durations
            )
        review = SavedReview(
            plan_sha256=plan_store.plan_digest(plan_file),
            created_at=time.time(),
            folder=str(terraform.folder),
            workspace=context.settings.terraform.workspace,
            plan=plan,
            forecast=forecast,
            account=_account_id(context) if aws else "",
            region=context.aws.region if aws else "",
            serial=state.serial if state else -1,
            lineage=state.lineage if state else "",
        )
        plan_store.write_review(folder, review)
        return review, plan_file
    except BaseException:
        # Without its review it cannot be applied: it would only hold secrets, and fill the disk.
        plan_file.unlink(missing_ok=True)
        raise


def _run_and_read_plan(
    terraform: Terraform,
    plan_file: Path,
    state_summary: StateSummary | None,
    *,
    on_line: Callable[[str], None],
    on_progress: Callable[[str], None],
) -> tuple[Plan, tuple[PlannedChange, ...], StateSummary | None]:
    """The plan, its raw changes, and the state that it was planned against (None where that is not known)."""
    try:
        _run_plan(terraform, plan_file, on_line)
    except TerraformError as error:
        if not error.needs_init:
            raise
        run_init(terraform, on_progress)
        state_summary = terraform.pull_state()
        _run_plan(terraform, plan_file, on_line)
    plan_file.chmod(0o600)
    on_progress("reading the plan")
    plan, planned = read_plan(terraform.show_plan(plan_file))
    if plan.errored:
        raise PlanUnreadable("planning failed halfway; this plan cannot be applied")
    return plan, planned, state_summary


def run_init(terraform: Terraform, on_progress: Callable[[str], None]) -> None:
    """Run init. Raises CommandError."""
    on_progress(f"{terraform.name} init: providers and modules")
    terraform.init()


def _run_plan(terraform: Terraform, plan_file: Path, on_line: Callable[[str], None]) -> None:
    """Plan into the file, without a limit of time. Raises CommandError, PlanInterrupted."""
    argv = terraform.plan_argv(plan_file)
    try:
        # A process session of its own: the terminal's Ctrl-C must reach it once, by the signal below.
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
        raise CommandNotFound(argv[0]) from None
    except OSError as error:
        raise CommandNotExecutable(argv[0], error.strerror or str(error)) from None
    lines: list[str] = []
    assert child.stdout is not None
    assert child.stderr is not None
    errors: list[str] = []
    # Both pipes are read: a child that fills an unread one waits for ever.
    reader = threading.Thread(target=_collect_lines, args=(child.stderr, errors), daemon=True)
    reader.start()
    interrupted = False
    while True:
        try:
            for text in child.stdout:
                _append_limited(lines, text)
                on_line(text.rstrip("\n"))
            code = child.wait()
            break
        except KeyboardInterrupt:
            # The first lets terraform end by itself, the second kills it: there is no plan to save then.
            child.send_signal(signal.SIGKILL if interrupted else signal.SIGINT)
            interrupted = True
    reader.join(timeout=5)
    if interrupted:
        raise PlanInterrupted
    if code:
        raw = "".join([*errors, *lines])
        found = parse_diagnostics("".join(lines)) + parse_diagnostics("".join(errors))
        raise TerraformError(argv, found, sanitize(raw, limit=20_000))


def _collect_lines(source: Iterable[str], lines: list[str]) -> None:
    for text in source:
        _append_limited(lines, text)


def _append_limited(lines: list[str], text: str) -> None:
    lines.append(text)
    if len(lines) > 2 * _MAX_LINES:
        del lines[:-_MAX_LINES]


def _account_id(context: CheckContext) -> str:
    try:
        return context.aws.identity().account
    except Exception:  # noqa: BLE001 - the account is a convenience here; the environment step says what is wrong
        return ""
