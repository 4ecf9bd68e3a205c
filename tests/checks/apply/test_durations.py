"""Typical durations, the estimate of the remaining time, and how a followed apply shows both."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.apply_stream import START, follower
from support.forecast import ScriptedAccount, forecast_for, planned

from checks.apply.durations import CREATE_ESTIMATES, DurationStats, add_no_wait_estimates, parse_resource_type
from checks.apply.run.duration_history import DurationHistory
from checks.apply.run.progress import RemainingTimeEstimate, format_approximate, operation_rows
from checks.apply.run.stream import ApplyProgress, ApplyStreamReader
from checks.aws.botocore_session import CredentialSource
from ecotui.cli.follow import CommandFollower
from ecotui.history.apply_streams import read_duration_stats
from ecotui.session.store import SessionStore
from ecotui.supervisor.running import SupervisedCommand


def event(kind: str, address: str, second: int = 0, action: str = "create", **more: Any) -> str:
    stamp = f"2025-11-24T16:{second // 60:02}:{second % 60:02}.000000Z"
    hook = {"resource": {"addr": address}, "action": action, **more}
    return json.dumps({"type": kind, "@message": kind, "@timestamp": stamp, "hook": hook})


def done(address: str, seconds: float, action: str = "create") -> bytes:
    return event("apply_complete", address, 0, action, elapsed_seconds=seconds).encode() + b"\n"


def fed(*lines: str, operations: dict[str, int] | None = None, times: DurationStats | None = None) -> ApplyProgress:
    import msgspec

    progress = ApplyStreamReader(operations)
    if times:
        progress.feed([json.dumps({"type": "ecotui", "usual": msgspec.to_builtins(times)})])
    progress.feed(lines)
    return progress.snapshot()


def test_an_address_goes_before_its_type_and_its_type_before_an_estimate() -> None:
    history = DurationHistory()
    for seconds in (100, 140, 120):
        history.add_run([done("aws_nat_gateway.a", seconds)])
    history.add_run([done("aws_nat_gateway.b", 60)])
    times = history.stats()
    own, kind, estimate = (
        times.typical_duration("aws_nat_gateway.a", "create"),
        times.typical_duration("module.x.aws_nat_gateway.new[0]", "create"),
        times.typical_duration("aws_lb.x", "create"),
    )
    assert (own.seconds, own.basis) == (120, "3 runs")
    assert (kind.seconds, kind.basis) == (110, "4 of this type")
    assert (estimate.seconds > 60, estimate.basis) == (True, "estimate")


def test_creations_and_deletions_have_durations_of_their_own_and_reads_have_none() -> None:
    history = DurationHistory()
    history.add_run([done("aws_vpc.a", 20), done("aws_vpc.a", 2, "delete"), done("data.aws_ami.a", 9, "read")])
    times = history.stats()
    assert (
        times.typical_duration("aws_vpc.a", "create").seconds,
        times.typical_duration("aws_vpc.a", "delete").seconds,
    ) == (20, 2)
    assert list(times.types) == ["create aws_vpc", "delete aws_vpc"]


def test_a_distribution_without_a_wait_takes_seconds_unless_a_recorded_run_took_longer() -> None:
    recorded = DurationStats(addresses={"create aws_cloudfront_distribution.a": (40.0, 2)})
    told = add_no_wait_estimates(recorded, ["aws_cloudfront_distribution.a", "aws_cloudfront_distribution.b"])
    assert told.typical_duration("aws_cloudfront_distribution.a", "create").seconds == 40
    other = told.typical_duration("aws_cloudfront_distribution.b", "create")
    assert (other.seconds < 10, other.basis) == (True, "estimate")
    assert told.typical_duration("aws_cloudfront_distribution.c", "create").seconds >= 300


def test_lines_that_are_no_stream_add_no_duration_and_raise_nothing() -> None:
    history = DurationHistory()
    history.add_run([b'"apply_complete" \xff', b'{"type":"apply_complete","hook":3}', b"x", b'["apply_complete"]'])
    assert history.stats() == DurationStats()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("aws_instance.b", "aws_instance"),
        ('module.a["x.y"].aws_instance.b["c.d"]', "aws_instance"),
        ("nonsense", ""),
    ],
)
def test_the_type_of_an_address_is_found_after_modules_and_keys(address: str, kind: str) -> None:
    assert parse_resource_type(address) == kind


def test_elapsed_times_grow_between_lines_and_the_longest_operation_is_first() -> None:
    now = fed(
        event("apply_start", "aws_vpc.quick", 30),
        event("apply_start", "aws_nat_gateway.slow", 0),
        event("apply_progress", "aws_nat_gateway.slow", 10, elapsed_seconds=10),
        times=DurationStats(addresses={"create aws_nat_gateway.slow": (20.0, 2)}),
    )
    rows = operation_rows(now, START + 45)
    assert [(row.address, row.elapsed, row.is_late) for row in rows] == [
        ("aws_nat_gateway.slow", 45, True),
        ("aws_vpc.quick", 15, False),
    ]


def test_the_remaining_time_is_that_of_the_longest_chain_of_dependencies() -> None:
    times = DurationStats(
        addresses={f"create t.{name}": (seconds, 1) for name, seconds in zip("abc", (60, 30, 10), strict=True)}
    )
    after = {"t.b": ("t.a",), "t.c": ("t.b",)}
    changes = [(f"t.{name}", ("create",)) for name in "abc"]
    operations = dict.fromkeys((address for address, _ in changes), 1)

    def left(at: float, *lines: str, after: dict[str, tuple[str, ...]] = after) -> float | None:
        return RemainingTimeEstimate(changes, after).remaining_seconds(
            fed(*lines, operations=operations, times=times), START + at
        )

    start = event("apply_start", "t.a", 0)
    assert left(0) == 100
    assert left(20, start) == 80
    assert left(60, start, event("apply_complete", "t.a", 60, elapsed_seconds=60)) == 40
    # None waits for another: the longest alone.
    assert left(0, after={}) == 60
    # What waits for a failed one does not begin any more.
    assert left(60, start, event("apply_errored", "t.a", 60, elapsed_seconds=60)) == 0


def test_many_small_operations_are_shared_among_terraform_s_workers() -> None:
    changes = [(f"aws_iam_role.r[{number}]", ("create",)) for number in range(400)]
    times = DurationStats(types={"create aws_iam_role": (2.0, 400)}, parallelism=10)
    assert RemainingTimeEstimate(changes, {}).remaining_seconds(fed(times=times), START) == 80


def test_without_a_plan_there_is_no_estimate_and_a_circle_counts_as_no_dependency() -> None:
    assert RemainingTimeEstimate((), {}).remaining_seconds(fed(event("apply_start", "t.a")), START) is None
    circle = RemainingTimeEstimate(
        [("aws_vpc.a", ("create",))], {"aws_vpc.a": ("aws_vpc.b",), "aws_vpc.b": ("aws_vpc.a",)}
    )
    assert circle.remaining_seconds(fed(), START) == DurationStats().typical_duration("aws_vpc.a", "create").seconds


def test_an_estimate_is_formatted_as_approximate() -> None:
    assert [format_approximate(seconds) for seconds in (3, 12, 58, 200, 3600, 5400)] == [
        "a few seconds", "about 10 s", "about 1 min", "about 3 min", "about 1 h", "about 1 h 30 min",
    ]  # fmt: skip


def record(store: SessionStore, project: Path, *lines: bytes, argv: tuple[str, ...] = ()) -> None:
    """A session with one command, as the supervisor leaves it."""
    session = store.create(project="eco2", folder=project)
    folder = session.commands_folder / "apply-1"
    folder.mkdir(parents=True)
    argv = argv or ("terraform", "apply", "-json", "-input=false", "plan.tfplan")
    told = {"step": "apply", "title": "t", "argv": argv, "started": START}
    (folder / "command.json").write_text(json.dumps(told))
    (folder / "output.log").write_bytes(b"".join(lines))


def test_sessions_of_the_project_count_by_address_and_others_by_type_only(tmp_path: Path) -> None:
    store, project = SessionStore(tmp_path / "state"), tmp_path / "eco2"
    record(store, project, done("aws_vpc.a", 11), done("aws_vpc.gone", 13))
    record(store, tmp_path / "other", done("aws_vpc.a", 99), done("aws_lb.x", 200))
    # The same run once more, as our own command passed it on: counted once.
    record(store, project, done("aws_vpc.a", 500), argv=("ecotui", "apply", "--progress"))
    times = read_duration_stats(store, project, ["aws_vpc.a"], parallelism=7)
    assert times.addresses == {"create aws_vpc.a": (11, 1)}
    assert times.types == {"create aws_vpc": (13, 3), "create aws_lb": (200, 1)}
    assert (times.runs, times.parallelism) == (2, 7)


def test_a_missing_state_folder_is_an_empty_history(tmp_path: Path) -> None:
    assert read_duration_stats(SessionStore(tmp_path / "none"), tmp_path, []).runs == 0


EXISTS = (
    "creating IAM Role (k8s-node): operation error IAM: CreateRole, https response error StatusCode: 409,"
    " EntityAlreadyExists: Role with name k8s-node already exists."
)


def error(summary: str) -> str:
    node = {"severity": "error", "summary": summary, "address": "aws_iam_role.node"}
    return json.dumps({"type": "diagnostic", "diagnostic": node})


def test_the_output_for_people_has_typical_times_provisioners_errors_with_guide_entries_and_the_remaining_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = follower(tmp_path, progress=False, at=60)
    told.handle_lines(
        [
            event("apply_start", "aws_nat_gateway.main", 0),
            event("apply_start", "aws_iam_role.node", 0),
            event("provision_progress", "aws_nat_gateway.main", 1, output="kubeadm init"),
        ]
    )
    told.handle_lines([event("provision_progress", "aws_nat_gateway.main", 2, output="done")])
    told.handle_lines([event("apply_errored", "aws_iam_role.node", 2), error(EXISTS)])
    printed = capsys.readouterr().out
    assert "Usual times: from 3 earlier applies" in printed
    assert "create aws_nat_gateway.main (usually about 2 min, 3 runs)" in printed
    assert printed.count("kubeadm init") == 1
    assert "│ aws_nat_gateway.main: done" in printed
    assert "✗ aws_iam_role.node: creating IAM Role" in printed
    assert "(ecotui guide " in printed
    assert told.status_line() == ("[0/2] running: aws_nat_gateway.main (1 min, usually about 2 min); about 1 min left")


def test_a_late_operation_names_the_command_why(tmp_path: Path) -> None:
    told = follower(tmp_path, progress=False, at=300)
    told.handle_lines([event("apply_start", "aws_nat_gateway.main", 0)])
    assert ", late)" in told.status_line()
    assert told.status_line().endswith("why: ecotui why aws_nat_gateway.main")


def test_the_json_lines_have_durations_and_guide_entries_among_those_of_terraform(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    follower(tmp_path, progress=True).handle_lines([event("apply_start", "aws_iam_role.node"), error(EXISTS)])
    printed = capsys.readouterr().out.splitlines()
    assert all(isinstance(json.loads(line), dict) for line in printed)
    seen = fed(*printed)
    assert seen.durations.addresses == {"create aws_nat_gateway.main": (120.0, 3)}
    assert [one.error for one in seen.explanations][:1] == [0]
    assert len(seen.errors) == 1


def test_a_plan_that_terraform_calls_stale_ends_as_one_that_ecotui_calls_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = follower(tmp_path, progress=False)
    refusal = {
        "@level": "error",
        "type": "diagnostic",
        "diagnostic": {
            "severity": "error",
            "summary": "Saved plan is stale",
            "detail": "The given plan file can no longer be applied because the state was changed.",
        },
    }
    (tmp_path / "output.log").write_text(json.dumps(refusal) + "\n")
    (tmp_path / "exit.json").write_text(json.dumps({"exit_code": 1, "outcome": "failed"}))
    assert CommandFollower(SupervisedCommand(one._command), one).follow() == 3
    assert "Nothing was applied" in capsys.readouterr().out


def test_the_warning_about_expiring_credentials_and_the_progress_agree() -> None:
    changes = [planned("aws_db_instance", "a"), planned("aws_nat_gateway", "b")]
    dependencies = {"aws_nat_gateway.b": ("aws_db_instance.a",)}
    durations = DurationStats(types={"create aws_nat_gateway": (300.0, 4)})
    seconds = CREATE_ESTIMATES["aws_db_instance"] + 300.0
    estimate = RemainingTimeEstimate([(one.address, one.actions) for one in changes], dependencies)
    assert estimate.remaining_seconds(fed(times=durations), START) == estimate.total_seconds(durations) == seconds
    account = ScriptedAccount()
    source = CredentialSource(method="sso", profile="p", expires=time.time() + 60)
    account.__dict__["credential_source"] = lambda: source
    warned = forecast_for(account, *changes, dependencies=dependencies, durations=durations).warnings
    assert f"the apply takes {format_approximate(seconds)}" in warned[0].why
