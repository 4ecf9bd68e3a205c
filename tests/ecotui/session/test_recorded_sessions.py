"""Sessions that were recorded once: whatever is renamed or moved in the code, what lies on people's disks is read the same.

The files in `tests/data/sessions` are as ecotui 0.1.0 left them, and are never made again. Everything is asked through the
command line, so that these tests know no name inside.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from ecotui.cli import main

RECORDED = Path(__file__).parents[2] / "data" / "sessions"
REBUILD = "20261130-213542-0ba3ee"
"""`ecotui demo --auto` with the real terraform, kubectl and gh: from nothing to 13 nodes that are Ready."""
TROUBLE = "20261130-213806-2e84b3"
"""Every kind of event: failures, a killed supervisor, a takeover, a lost lock. Two lines were put in while it was recorded:
one that a crash tore, and an event of a newer ecotui."""
ARCHIVED = "20261130-213819-6f06f6"
"""A check and a command, as `ecotui sessions archive` sent it to S3: `<id>.tar.gz`."""
ALL = (REBUILD, TROUBLE, ARCHIVED)
EVENTS = {REBUILD: 36, TROUBLE: 55, ARCHIVED: 6}
OUTCOMES = {REBUILD: "done", TROUBLE: "failed", ARCHIVED: "done"}
HEADS = {
    REBUILD: "5b97870058501db1b4fc969a98ee05a1b831a6d84b119790ee29bb57dc7f3cf7",
    TROUBLE: "0e9b2fd3e174df5aee41747d202c640a041846aea171c9fa1014b0376b71728a",
    ARCHIVED: "a43b468b3b0569558e3a3d49dbd3194c7c9f2509bfeef9ed7eefebddfb6440c2",
}
"""The hash of the last line: that of the whole log."""
KINDS = {
    "command-ended",
    "command-started",
    "entry-judged",
    "entry-walked",
    "fix-chosen",
    "interrupt-sent",
    "looked",
    "noted",
    "overridden",
    "profile-picked",
    "reattached",
    "session-ended",
    "session-started",
    "step-ticked",
    "tagged",
    "takeover-answered",
    "team-lock",
    "variable-set",
}
NEWER = "weather-seen"
"""An event that no ecotui knows yet."""
PLACE = "s3://eco2-team/archive"

Run = Callable[..., str]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with the sessions that lie unpacked, private as ecotui makes them."""
    project, folder = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    shelf = folder / "sessions"
    for id in (REBUILD, TROUBLE):
        shutil.copytree(RECORDED / id, shelf / id)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(folder))
    monkeypatch.delenv("ECOTUI_SESSION", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return folder


@pytest.fixture
def run(state: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Carries out `ecotui sessions ...`, and gives what it says."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        given = main(["sessions", *words])
        said = capsys.readouterr()
        assert given == code, said.err
        return said.out

    return run


@pytest.fixture
def all_here(run: Run, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same, with the archived session brought back from S3."""
    for name, value in aws_env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    s3 = boto3.client("s3", region_name=aws_env["AWS_REGION"])
    s3.create_bucket(Bucket="eco2-team", CreateBucketConfiguration={"LocationConstraint": aws_env["AWS_REGION"]})
    packed = RECORDED / f"{ARCHIVED}.tar.gz"
    s3.put_object(Bucket="eco2-team", Key=f"archive/{packed.name}", Body=packed.read_bytes())
    assert "the chain is whole" in run("fetch", ARCHIVED, "--from", PLACE)
    return run


def told(run: Run, *words: str, code: int = 0) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(run(*words, "--json", code=code))
    return plain


def raw_lines(id: str) -> list[bytes]:
    return (RECORDED / id / "events.jsonl").read_bytes().splitlines()


def chained(id: str) -> list[int]:
    """The numbers, from 1, of the lines that are events; not that of one which a crash tore."""
    return [number for number, raw in enumerate(raw_lines(id), 1) if raw.endswith(b"}")]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"]["type"] for event in events]


def test_they_are_listed_and_found(all_here: Run) -> None:
    (rows, filtered) = (told(all_here, "list")["sessions"], told(all_here, "list", "--tag", "prod/seoul"))
    assert [row["id"] for row in rows] == sorted(ALL, reverse=True)
    assert {row["id"]: row["outcome"] for row in rows} == OUTCOMES
    assert {row["project"] for row in rows} == {"eco2-demo"}
    steps = {row["id"]: row["steps"] for row in rows}[REBUILD]
    assert list(dict.fromkeys(steps[step] for step in ("apply", "cloudfront", "nodes"))) == ["ok"]
    assert [row["id"] for row in filtered["sessions"]] == [TROUBLE]
    for words in (("--by", "kim"), ("--of", "eco2-demo"), ("--since", "2026-11-30")):
        assert len(told(all_here, "list", *words)["sessions"]) == len(ALL)
    assert [row["id"] for row in told(all_here, "list", "--text", "OPS-12")["sessions"]] == [TROUBLE]
    text = all_here("list")
    assert all(id in text for id in ALL)
    assert "#rebuild #prod/seoul" in text
    assert "#draft" not in text


@pytest.mark.parametrize("id", ALL)
def test_everything_in_them_reads_as_it_was_recorded(all_here: Run, id: str) -> None:
    shown = told(all_here, "show", id)
    found = [{key[:-1]: row} for key in ("commands", "events") for row in shown[key]]
    # One document a line: the session, its commands, its events.
    recorded = (RECORDED / "expected" / f"{id}.jsonl").read_text(encoding="utf-8").splitlines()
    for row, expected in zip([{"session": shown["session"]}, *found], map(json.loads, recorded), strict=True):
        assert row == expected
    assert len(shown["events"]) == EVENTS[id]


@pytest.mark.parametrize("id", (REBUILD, TROUBLE))
def test_no_event_is_lost_nor_taken_for_another(run: Run, id: str) -> None:
    raw = [json.loads(raw_lines(id)[number - 1]) for number in chained(id)]
    events = told(run, "show", id)["events"]
    assert kinds(events) == kinds(raw)
    assert [event["n"] for event in events] == [line["n"] for line in raw]
    for event, line in zip(events, raw, strict=True):
        if line["event"]["type"] == NEWER:
            assert json.loads(event["event"]["raw"]) == line["event"]
        else:  # what has the usual value may be left out
            assert event["event"].items() <= line["event"].items()


def test_every_kind_of_event_is_recorded(run: Run) -> None:
    assert {*kinds(told(run, "show", TROUBLE)["events"])} == {*KINDS, NEWER}


def test_a_rebuild_is_shown_as_a_timeline(run: Run) -> None:
    text = run("show", REBUILD)
    order = [
        "session of eco2-demo",
        "checked quota: blocked",
        "Ask for more vCPUs",
        "Delete what was approved: succeeded",
        "Apply the plan: succeeded",
        "checked nodes: ok",
        "session ended: done",
    ]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    apply = told(run, "show", REBUILD)["commands"][-1]
    assert (apply["step"], apply["outcome"], apply["exit_code"]) == ("apply", "succeeded", 0)
    said = run("show", REBUILD, "--output", apply["id"], "--lines", "5")
    assert len(said.splitlines()) == 5
    spans = told(run, "timeline", REBUILD)["spans"]
    assert len(spans) == 46
    assert "aws_instance" in run("timeline", REBUILD, "--csv")


def test_failures_overrides_and_locks_are_shown_as_a_timeline(run: Run) -> None:
    text = run("show", TROUBLE)
    for one in (
        "Create the instances: failed",
        "Ask for the nodes: could-not-start",
        "Wait for the distribution: interrupted",
        "Delete the leftovers: killed, signal 9",
        "Apply the plan: lost",
        "overrode quota.vcpu",
        "reason: asked AWS by phone; approved for tonight",
        "지난 배포의 것, 내일 지운다",
        "lock kept; kim@bastion on pts/5 from 203.0.113.9 asked for it",
        "lock released to kim@bastion on pts/5 from 203.0.113.9",
        "team's lock of account 123456789012: lost",
        f"does not know ({NEWER})",
        "asked 민수 about the quota; ticket OPS-12",
    ):
        assert one in text
    failed = told(run, "show", TROUBLE)["commands"][1]
    assert "password «secret:" in run("show", TROUBLE, "--output", failed["id"])
    (hit,) = told(run, "search", "VcpuLimitExceeded", TROUBLE)["hits"]
    assert hit["command"] == failed["id"]
    assert told(run, "compare", REBUILD, TROUBLE)


@pytest.mark.parametrize("id", ALL)
def test_their_chains_are_whole(all_here: Run, id: str) -> None:
    (verdict,) = told(all_here, "verify", id)["sessions"]
    assert (verdict["whole"], verdict["events"]) == (True, EVENTS[id])
    assert verdict["torn"] == (1 if id == TROUBLE else 0)
    assert verdict["head"] == HEADS[id]
    assert all_here("verify", "--all").count("✓") == len(ALL)


@pytest.mark.parametrize("id", (REBUILD, TROUBLE))
def test_one_byte_that_was_changed_is_found_and_its_line_is_named(run: Run, state: Path, id: str) -> None:
    log, numbers = state / "sessions" / id / "events.jsonl", chained(id)

    def broken(number: int, old: bytes, new: bytes) -> int:
        lines = raw_lines(id)
        assert old in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
        log.write_bytes(b"".join(line + b"\n" for line in lines))
        (verdict,) = told(run, "verify", id, code=3)["sessions"]
        line: int = verdict["broken_line"]
        assert f"✗ {id}  broken at line {line}: " in run("verify", id, code=3)
        return line

    for place in (0, 1, len(numbers) // 2, len(numbers) - 2):
        # The line itself still reads; the hash of it that the next one holds is another.
        assert broken(numbers[place], b'"type"', b'"Type"') == numbers[place + 1]
    for place in (1, len(numbers) - 1):
        assert broken(numbers[place], b'"prev":"', b'"prev":" ') == numbers[place]
    lines = raw_lines(id)
    log.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
    (verdict,) = told(run, "verify", id, code=3)["sessions"]
    assert (verdict["broken_line"], verdict["events"]) == (len(lines), EVENTS[id] - 1)
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    run("verify", id)


@pytest.mark.parametrize("id", ALL)
def test_they_are_played_again(all_here: Run, id: str) -> None:
    tape = told(all_here, "replay", id)
    moments = tape["moments"]
    assert sum(1 for moment in moments if moment["bytes"] is None) == EVENTS[id]
    assert [moment["at_s"] for moment in moments] == sorted(moment["at_s"] for moment in moments)
    if id != ARCHIVED:  # an archive does not hold when an output was written
        for command in told(all_here, "show", id)["commands"]:
            spoken = [one["bytes"] for one in moments if one["command"] == command["id"] and one["bytes"]]
            size = (RECORDED / id / "commands" / command["id"] / "output.log").stat().st_size
            assert spoken[0][0] == 0
            assert [end for _, end in spoken] == [*(begin for begin, _ in spoken[1:]), size]
    text = all_here("replay", id, "--speed", "64")
    assert "session of eco2-demo" in text
    assert f"session ended: {OUTCOMES[id]}" in text
    assert all_here("replay", id, "--speed", "64", "--at", "quota").count("\n") < text.count("\n")


@pytest.mark.parametrize("id", ALL)
def test_they_are_exported(all_here: Run, tmp_path: Path, id: str) -> None:
    for form in ("md", "html", "json", "cast"):
        out = tmp_path / f"{id}.{form}"
        all_here("export", id, "--format", form, "--out", str(out))
        text = out.read_text(encoding="utf-8")
        assert id in text
        assert "Look at the quotas" in text or id == REBUILD
        if form == "json":
            assert json.loads(text)
        if form == "cast":
            header, *_ = map(json.loads, text.splitlines())
            assert header["version"] >= 2
    strict = all_here("export", id, "--strict")
    assert "kim@bastion" in all_here("export", id)
    assert "kim@bastion" not in strict


def test_they_are_written_on(run: Run) -> None:
    run("note", TROUBLE, "read years later")
    run("tag", TROUBLE, "old")
    (verdict,) = told(run, "verify", TROUBLE)["sessions"]
    assert (verdict["whole"], verdict["events"], verdict["torn"]) == (True, EVENTS[TROUBLE] + 2, 1)
    assert told(run, "list", "--tag", "old")["sessions"][0]["id"] == TROUBLE


def test_the_archive_is_laid_out_as_it_was() -> None:
    with tarfile.open(RECORDED / f"{ARCHIVED}.tar.gz") as packed:
        names = packed.getnames()
        first = packed.extractfile(names[0])
        assert first is not None
        manifest = json.load(first)
    assert names[0] == "manifest.json"
    assert names[1:] == [part["name"] for part in manifest["files"]]
    assert manifest["schema"] == "ecotui.archive/1"
    assert (manifest["id"], manifest["events"], manifest["head"]) == (ARCHIVED, 6, HEADS[ARCHIVED])
