"""The stream protocol: each message has a type, and what is decoded is what was encoded."""

from __future__ import annotations

import json

import msgspec
import pytest

from checks.apply.durations import DurationStats
from checks.apply.run.stream import ApplyStreamReader, GuideExplanation
from checks.cleanup.model import DeletionProgress
from checks.finding import CheckState, Finding, Report
from ecotui.stream import CheckProgress, Message, Notice, StepReport, WaitProgress, decode_message, encode_message

FINDING = Finding(id="quota.x", step="quota", state=CheckState.OK, title="t", summary="s")
WAIT = WaitProgress(status="Down", verdict="going", text="0 of 3", elapsed=1.5, next_poll_in=3.0, looks=2)


@pytest.mark.parametrize(
    ("message", "type"),
    [
        (CheckProgress(step="quota", text="vCPU quotas"), "check-progress"),
        (StepReport(report=Report(step="quota", findings=(FINDING,), started=1.0, seconds=0.5)), "report"),
        (DeletionProgress(counts={"gone": 1}, item="vpc:1", state="gone", message="gone"), "deletion"),
        (WAIT, "wait"),
        (Notice(message="Timeline: x", explained=(GuideExplanation(entry="a-1", title="t"),)), "ecotui"),
    ],
)
def test_every_message_is_one_line_with_its_type_and_is_read_back(message: Message, type: str) -> None:
    line = encode_message(message)
    assert b"\n" not in line
    assert json.loads(line)["type"] == type
    assert decode_message(line) == message


def test_the_keys_of_a_deletion_are_always_there() -> None:
    assert set(json.loads(encode_message(DeletionProgress(counts={})))) == {
        "type",
        "counts",
        "item",
        "state",
        "message",
    }


def test_the_data_of_a_poll_is_beside_its_other_keys() -> None:
    line = encode_message(msgspec.structs.replace(WAIT, data={"ready": 0, "expected": 3}))
    plain = json.loads(line)
    assert (plain["ready"], plain["looks"], "data" in plain) == (0, 2, False)
    assert decode_message(line) == WAIT


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type": "apply_start"}', b'{"type": "report"}', b"\xff", b"[1]"])
def test_any_other_line_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_message(line)


def test_a_notice_among_terraform_s_lines_is_read_by_the_reader_of_those() -> None:
    reader = ApplyStreamReader()
    stats = DurationStats(runs=3)
    reader.feed([encode_message(Notice(message="m", usual=stats)).decode()])
    assert reader.snapshot().durations.runs == 3
