"""A provider that crashes during a run: one error that explains it, with the raw text in its detail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.apply_stream import applying, event, fed, follower
from support.tui import Bench

from checks.apply.run.stream import ApplyProgress
from checks.tools import terraform_crash
from checks.tools.terraform import TerraformError
from checks.tools.terraform_errors import parse_diagnostics
from ecotui.cli import main
from screens.steps.apply_progress import render_apply_errors

LOST = (
    "The plugin encountered an error, and failed to respond to the plugin.(*GRPCProvider).ApplyResourceChange call. The"
    " plugin logs may contain more details."
)
CANCELLED = "The plugin.(*GRPCProvider).ApplyResourceChange request was cancelled."
TRACE = """
Stack trace from the terraform-provider-aws_v5.100.0_x5 plugin:

panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 1187 [running]:
github.com/hashicorp/terraform-provider-aws/internal/service/iam.resourceRoleCreate(\x1b[31m0x1\x1b]52;c;x\x07)
"""
REST = "\tinternal/service/iam/role.go:212 +0x123\n" * 3000 + """
Error: The terraform-provider-aws_v5.100.0_x5 plugin crashed!

This is always indicative of a bug within the plugin."""  # fmt: skip


def error(summary: str, detail: str, address: str) -> str:
    node = {"severity": "error", "summary": summary, "detail": detail, "address": address}
    return json.dumps({"type": "diagnostic", "@message": f"Error: {summary}", "diagnostic": node})


RUN = (
    event("apply_start", "aws_iam_role.a"),
    event("apply_start", "aws_iam_role.b"),
    error("Request cancelled", CANCELLED, "aws_iam_role.b"),
    error("Plugin did not respond", LOST, "aws_iam_role.a"),
    error("creating SQS Queue: AccessDenied", "", "aws_sqs_queue.q"),
)


def progress_of_crash() -> ApplyProgress:
    return fed(None, *RUN, *(TRACE + REST).splitlines())


def test_all_that_a_crash_broke_is_one_error_with_the_raw_text_behind() -> None:
    now = progress_of_crash()
    first, other = now.errors
    assert other.address == "aws_sqs_queue.q"
    title, why, onward = first.summary.splitlines()
    assert title == "The provider aws 5.100.0 crashed: a fault of its own, not of your configuration and not of AWS"
    assert why == "panic: runtime error: invalid memory address or nil pointer dereference"
    assert onward.startswith("Under way: aws_iam_role.b, aws_iam_role.a; they may exist without being in the state")
    assert "ecotui recover" in onward
    assert "iam.resourceRoleCreate" in first.detail
    assert "\x1b" not in first.detail
    assert now.crash is not None
    assert len(now.crash.trace) == terraform_crash.MAX_TRACE_LINES


def test_a_provider_that_was_killed_leaves_no_trace_and_the_error_says_so() -> None:
    (one,) = fed(None, *RUN[:4]).errors
    assert one.summary.startswith("A provider crashed")
    assert "killed for want of memory" in one.summary


def test_what_only_sounds_like_it_is_no_crash() -> None:
    now = fed(
        None,
        error("Request cancelled", "by the user", "a.b"),
        error("panic: at the disco", "", "a.c"),
        "a warning that is no JSON",
        "The plugin directory is empty",
    )
    assert now.crash is None
    assert [one.address for one in now.errors] == ["a.b", "a.c"]


def test_terraform_itself_can_crash() -> None:
    now = fed(
        None,
        "!!!!!!!!!!! TERRAFORM CRASH !!!!!!!!!!!",
        "",
        "panic: close of closed channel",
        "goroutine 1 [running]:",
    )
    assert now.errors[0].summary.startswith("terraform itself crashed")


def test_the_follower_prints_it_once_at_the_end_with_the_top_of_the_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = follower(tmp_path, progress=False)
    run.handle_lines(list(RUN))
    during = capsys.readouterr().out
    assert during.count("crashed") == 1
    assert "Plugin did not respond" not in during
    run.handle_lines((TRACE + REST).splitlines())
    assert run.finish("failed", "") == 1
    end = capsys.readouterr().out
    assert "The provider aws 5.100.0 crashed" in end
    assert "│ panic: runtime error" in end
    assert "ecotui recover" in end
    assert len(end.splitlines()) < 40


def test_the_screen_shows_it_as_one_error_and_the_resources_wait_for_no_reason() -> None:
    drawn = "\n".join(line.plain for line in render_apply_errors(progress_of_crash(), 100))
    assert drawn.count("✗") == 2
    assert "The provider aws 5.100.0 crashed" in drawn
    assert "they may exist without being in the state" in drawn.replace("\n  ", " ")


async def test_the_app_shows_a_crash_among_the_errors(bench: Bench) -> None:
    app = bench.app()
    async with app.run_test(size=(80, 24)) as pilot:
        broken = event("apply_errored", "aws_iam_role.a", elapsed_seconds=1)
        await applying(bench, pilot, *RUN[:4], broken)
        await bench.until(pilot, lambda: "A provider crashed" in bench.text(pilot))
        assert "terraform says why at the end" not in bench.text(pilot)


@pytest.mark.parametrize("boxed", [False, True])
def test_a_plan_that_crashes_says_so(boxed: bool) -> None:
    bar = "│ " if boxed else ""
    text = f"{bar}Error: Plugin did not respond\n{bar}\n{bar}  with aws_vpc.a,\n{bar}\n{bar}{LOST}\n{TRACE}"
    refused = TerraformError(("terraform", "plan"), parse_diagnostics(text), text)
    assert refused.explain() == (
        "The provider aws 5.100.0 crashed: a fault of its own, not of your configuration and not of AWS"
        " (panic: runtime error: invalid memory address or nil pointer dereference)"
    )


def test_a_log_of_a_crash_is_explained_though_no_guide_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "output.log"
    log.write_text("\n".join([*RUN[:4], TRACE]))
    assert main(["--project", str(tmp_path), "diagnose", str(log)]) == 0
    assert "The provider aws 5.100.0 crashed" in capsys.readouterr().out
