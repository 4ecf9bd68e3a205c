"""The JSON stream of an apply, followed."""

from __future__ import annotations

import json

from support.apply_stream import event, fed

from checks.apply.run.stream import ApplyStreamReader


def test_totals_come_from_the_plan_and_rows_move_from_running_to_finished() -> None:
    now = fed(
        {"a.x": 1, "b.y": 1, "c.z": 1},
        event("apply_start", "a.x", second=1),
        event("apply_start", "b.y", second=2),
        event("apply_progress", "b.y", second=12, elapsed_seconds=10),
        event("apply_complete", "a.x", second=13, elapsed_seconds=12, id_value="i-1"),
    )
    assert (now.done_count, now.total_count, now.failed_count) == (1, 3, 0)
    assert [(row.address, row.elapsed) for row in now.running_operations] == [("b.y", 10)]
    assert [(done.address, done.id, done.duration) for done in now.finished_operations] == [("a.x", "i-1", 12)]
    assert now.last_line_at - now.started_at == 12


def test_a_replacement_is_done_when_both_of_its_operations_are() -> None:
    gone = (event("apply_start", "a.x", "delete"), event("apply_complete", "a.x", "delete"))
    made = (event("apply_start", "a.x"), event("apply_complete", "a.x"))
    assert fed({"a.x": 2}, *gone).done_count == 0
    assert fed({"a.x": 2}, *gone, *made).done_count == 1


def test_reading_a_data_source_counts_nothing() -> None:
    now = fed({"a.x": 1}, event("apply_start", "data.d", "read"), event("apply_complete", "data.d", "read"))
    assert (now.done_count, now.total_count, now.running_operations, now.finished_operations) == (0, 1, (), ())


def test_a_failed_resource_no_longer_runs_and_its_error_is_listed_once() -> None:
    node = {"severity": "error", "summary": "creating IAM Role (x): EntityAlreadyExists", "address": "a.x"}
    diagnostic = json.dumps({"type": "diagnostic", "diagnostic": node})
    now = fed({"a.x": 1}, event("apply_start", "a.x"), event("apply_errored", "a.x"), diagnostic, diagnostic)
    assert (now.failed_count, now.done_count, now.running_operations) == (1, 0, ())
    assert [(one.address, one.summary) for one in now.errors] == [("a.x", node["summary"])]


def test_without_a_plan_the_total_comes_from_the_stream() -> None:
    change = {"resource": {"addr": "a.x"}, "action": "create"}
    planned = json.dumps({"type": "planned_change", "change": change})
    assert fed(None, planned, event("apply_start", "a.x"), event("apply_complete", "a.x")).done_count == 1
    assert fed(None, planned).total_count == 1
    assert fed({"a.x": 1, "b.y": 1}, planned).total_count == 2


def test_lines_that_are_not_json_are_kept_and_do_no_harm() -> None:
    now = fed(
        {"a.x": 1},
        "panic: runtime error: invalid memory address\n",
        '{"type":"apply_start","hook":{"resource":{"addr":"a.',
        '{"type":"apply_start","hook":"not a hook"}',
        '{"type":17}',
        "[]",
        "",
        event("apply_start", "a.x"),
    )
    assert now.other_lines[0] == "panic: runtime error: invalid memory address"
    assert [row.address for row in now.running_operations] == ["a.x"]


def test_sensitive_outputs_have_no_value() -> None:
    outputs = {
        "vpc": {"sensitive": False, "type": "string", "value": "vpc-1"},
        "password": {"sensitive": True, "type": "string", "value": "secret"},
    }
    assert fed(None, json.dumps({"type": "outputs", "outputs": outputs})).outputs == {
        "vpc": "vpc-1",
        "password": "(sensitive)",
    }


def test_the_summary_of_a_plan_does_not_complete_an_apply() -> None:
    def summary(operation: str) -> str:
        return json.dumps({"type": "change_summary", "@message": "Done", "changes": {"add": 1, "operation": operation}})

    assert not fed(None, summary("plan")).is_complete
    assert fed(None, summary("plan"), summary("apply")).is_complete


def test_the_output_of_a_provisioner_is_the_note_of_its_resource() -> None:
    now = fed(
        {"a.x": 1},
        event("apply_start", "a.x"),
        event("provision_progress", "a.x", output="installing \x1b[31mkubeadm", provisioner="remote-exec"),
    )
    assert now.running_operations[0].note == "installing kubeadm"
    assert now.provisioner_lines == ("a.x: installing kubeadm",)


def test_a_flood_of_lines_keeps_memory_bounded() -> None:
    progress = ApplyStreamReader({"a.x": 1})
    progress.feed(f"noise {number}" for number in range(20_000))
    now = progress.snapshot()
    assert len(now.other_lines) == 500
    assert now.other_lines[-1] == "noise 19999"
    assert progress.line_count == 20_000
