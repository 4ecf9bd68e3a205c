"""Plan, forecast and apply with the real terraform and AWS provider, in an account on loopback that is full of leftovers."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.terraform import Place, client, emptied

from checks.tools import processes

# One worker for all: the account, and thirty seconds of terraform, are shared.
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("apply")]


@dataclass
class Failure:
    told: set[str]
    """Addresses that the forecast had named."""
    stdout: str
    log: str


@pytest.fixture(scope="module")
def applied(place: Place) -> subprocess.CompletedProcess[str]:
    """Everything but the instances (they take moto's ten seconds), applied into the empty account."""
    emptied(place)
    planned = place.ecotui("plan", "--json", TF_VAR_instances="0")
    # The one name that nobody can know before the apply keeps it from being all green.
    assert planned.returncode == 4, planned.stdout + planned.stderr
    body = json.loads(planned.stdout)
    assert body["schema"] == "ecotui.plan/1"
    assert body["collisions"] == []
    assert [one["address"] for one in body["unknown"]] == ["aws_ecr_repository.late"], [
        one["why"] for one in body["unknown"]
    ]
    done = place.ecotui("apply", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def again(place: Place, applied: object) -> dict[str, list[dict[str, object]]]:
    """The forecast of the next deployment, after the state was thrown away and everything was left."""
    place.state.unlink()
    planned = place.ecotui("plan", "--json")
    assert planned.returncode == 3, planned.stdout + planned.stderr
    body: dict[str, list[dict[str, object]]] = json.loads(planned.stdout)
    return body


def test_what_an_earlier_session_applied_is_proven_to_be_ours_although_no_selector_finds_it(
    place: Place, again: object
) -> None:
    nothing = place.folder / "nothing.yaml"
    nothing.write_text(
        "project: fixture\naws: {account: '123456789012'}\n"
        "cleanup: {names: [], exact: [], prefixes: [], tags: {}, domains: []}\n"
    )
    told = json.loads(place.ecotui("--config", str(nothing), "cleanup", "--json").stdout)
    found = {one["kind"]: one for one in told["resources"]}
    # A dynamodb table and an ECR repository are no kinds of leftovers; a parameter has no date that could prove it.
    proven = {
        "vpc", "subnet", "security-group", "key-pair", "iam-policy", "iam-role", "instance-profile", "s3-bucket", "log-group",
    }  # fmt: skip
    assert {kind for kind, one in found.items() if one["ownership"] == "session"} == proven, told
    assert found["ssm-parameter"]["ownership"] == "name-only"
    assert found["ssm-parameter"]["name"] == "/fixture/password"
    elsewhere = place.ecotui("--config", str(nothing), "--set", "aws.region=eu-west-1", "cleanup", "--json")
    # A copy of the state that another test left beside it is no proof: it may list what is global by name, no more.
    listed = json.loads(elsewhere.stdout)["resources"]
    assert [one for one in listed if one["ownership"] != "name-only"] == []


def test_the_plan_is_private_and_its_review_holds_no_secret(place: Place, again: object) -> None:
    (folder,) = (place.folder / "state" / "plans").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "plan.tfplan": 0o600,
        "forecast.json": 0o600,
    }
    assert "not-for-the-screen" not in (folder / "forecast.json").read_text()


def test_progress_counts_to_the_plan_s_total_and_outputs_are_told(
    applied: subprocess.CompletedProcess[str],
) -> None:
    assert "[13/13]" in applied.stdout
    assert re.search(r"vpc = vpc-[0-9a-f]+", applied.stdout)
    assert "not-for-the-screen" not in applied.stdout
    assert "password = (sensitive)" in applied.stdout


def test_an_apply_that_the_forecast_blocks_is_refused_with_the_words_that_override_it(
    place: Place, again: dict[str, list[dict[str, object]]]
) -> None:
    before = len(place.logs())
    refused = place.ecotui("apply", "--yes")
    assert refused.returncode == 3
    assert "--override collision:aws_key_pair.this=REASON" in refused.stderr
    assert place.ecotui("apply", "--yes", "--override", "collision:aws_key_pair.this=").returncode == 2
    assert place.ecotui("apply", "--yes", "--override", "collision:elsewhere=because").returncode == 2
    assert len(place.logs()) == before


@pytest.fixture(scope="module")
def failed(place: Place, again: dict[str, list[dict[str, object]]]) -> Failure:
    """That deployment applied all the same, against the forecast."""
    told = {str(one["address"]) for one in again["collisions"]}
    overrides = [word for address in told for word in ("--override", f"collision:{address}=to compare")]
    ended = place.ecotui("apply", "--yes", *overrides)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return Failure(told, ended.stdout, place.logs()[-1].read_text())


def test_the_forecast_is_what_the_apply_then_runs_into(failed: Failure) -> None:
    started, errors = set(), set()
    for line in failed.log.splitlines():
        said = json.loads(line)
        if said["type"] == "apply_start":
            started.add(said["hook"]["resource"]["addr"])
        if said["type"] == "diagnostic":
            errors.add(said["diagnostic"]["address"])
    assert errors, failed.stdout
    # Nothing missed; and nothing false: what did not fail was never tried, for what it depends on had failed.
    assert errors <= failed.told
    assert not (failed.told - errors) & started
    assert failed.told - errors == {"aws_iam_instance_profile.node"}
    assert "IAM Policy (prod-alb-controller-policy)" in failed.stdout


def test_a_run_is_told_against_the_one_before_and_drawn_with_its_failures(failed: Failure) -> None:
    assert "Usual times: from 1 earlier apply" in failed.stdout
    assert "(ecotui guide " in failed.stdout
    table = re.search(r"Timeline: (\S+)\.html", failed.stdout)
    assert table
    rows = list(csv.DictReader(Path(f"{table[1]}.csv").read_text().splitlines()))
    broken = {row["address"]: row["error"] for row in rows if row["outcome"] == "failed"}
    assert broken
    assert all(broken.values())
    assert set(broken) <= failed.told
    # What the first run made has its time from there.
    assert any(row["usual_s"] for row in rows)


def test_the_same_plan_is_stale_once_the_state_has_changed(place: Place, failed: Failure) -> None:
    assert place.state.exists()
    refused = place.ecotui("apply", "--yes")
    assert refused.returncode == 3
    assert "the state was changed after the plan was made" in refused.stderr


def test_a_plan_file_that_was_exchanged_is_refused(place: Place, again: object) -> None:
    (folder,) = (place.folder / "state" / "plans").iterdir()
    plan = folder / "plan.tfplan"
    whole = plan.read_bytes()
    plan.write_bytes(whole + b"x")
    try:
        refused = place.ecotui("apply", "--yes", "--plan", str(plan))
    finally:
        plan.write_bytes(whole)
    assert refused.returncode == 3
    assert "not the one that was reviewed" in refused.stderr


def test_a_partial_apply_looks_like_one(place: Place, failed: Failure) -> None:
    looked = place.ecotui("check", "apply", "--json")
    findings = {one["id"]: one for one in json.loads(looked.stdout)["findings"]}
    assert findings["apply.configuration"]["state"] == "ok"
    assert findings["apply.changes"]["state"] == "warn"
    assert "to create" in findings["apply.changes"]["summary"]
    assert looked.returncode == 4


def interrupt_when_an_instance_is_there(place: Place, child: subprocess.Popen[str]) -> None:
    """A create call that has not been answered yet would be cancelled, and leave nothing in the state."""
    ec2 = client(place, "ec2")
    while child.poll() is None and not ec2.describe_instances()["Reservations"]:
        time.sleep(0.2)
    time.sleep(1)  # the provider notes what it was answered
    child.send_signal(signal.SIGINT)


def test_ctrl_c_stops_terraform_gracefully_and_only_once(place: Place, again: object) -> None:
    """Instances take ten seconds each in moto: time enough to change one's mind."""
    emptied(place)
    assert place.ecotui("plan").returncode in (0, 4)
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "ecotui", "apply", "--yes"],
        cwd=place.folder,
        env=place.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    said = []
    sent = False
    for line in child.stdout:
        said.append(line)
        if "aws_instance.node" in line and not sent:
            sent = True
            threading.Thread(target=interrupt_when_an_instance_is_there, args=(place, child)).start()
    assert child.wait(timeout=60) == 130, "".join(said)
    assert "Interrupted: terraform finishes what it has begun" in "".join(said)
    assert "Two interrupts received" not in place.logs()[-1].read_text()
    # What it had begun is in the state, and the lock is free.
    types = [one["type"] for one in json.loads(place.state.read_text())["resources"]]
    assert "aws_instance" in types
    assert not (place.folder / "terraform" / ".terraform.tfstate.lock.info").exists()


def kill_terraform_when_an_instance_is_there(place: Place) -> None:
    """kill -9, while it waits for the instance that AWS has made already."""
    ec2 = client(place, "ec2")
    until = time.monotonic() + 60
    while time.monotonic() < until and not ec2.describe_instances()["Reservations"]:
        time.sleep(0.1)
    for one in processes.find_terraform_processes() or ():
        if one.folder == str(place.folder / "terraform") and " apply " in f"{one.command} ":
            os.kill(one.pid, signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds terraform in /proc")
def test_what_a_killed_terraform_had_begun_is_found_kept_and_finished(place: Place, again: object) -> None:
    """Apply, lose terraform in the middle, recover, finish."""
    emptied(place)
    one = {"TF_VAR_instances": "1"}
    planned = place.ecotui("plan", **one)
    assert planned.returncode == 4, planned.stdout + planned.stderr  # the one name that nobody can know
    killer = threading.Thread(target=kill_terraform_when_an_instance_is_there, args=(place,))
    killer.start()
    ended = place.ecotui("apply", "--yes", **one)
    killer.join(timeout=60)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "What is made stays made" in ended.stdout

    left = place.ecotui("recover", "--json")
    assert left.returncode == 3, left.stdout + left.stderr
    body = json.loads(left.stdout)
    assert body["errored"] is None
    (orphan,) = [each for each in body["unfinished"] if each["address"] == "aws_instance.node[0]"]
    assert len(orphan["candidates"]) == 1, body
    kept = place.ecotui("recover", "--adopt")
    assert kept.returncode == 0, kept.stdout + kept.stderr
    certain = [each for each in body["unfinished"] if len(each["candidates"]) == 1]
    assert kept.stdout.count("import {") == len(certain)

    planned = place.ecotui("plan", **one)
    assert "to import" in planned.stdout, planned.stdout + planned.stderr
    finished = place.ecotui("apply", "--yes", **one)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert place.ecotui("recover").returncode == 0
    ids = [
        each["attributes"]["id"]
        for found in json.loads(place.state.read_text())["resources"]
        if found["type"] == "aws_instance"
        for each in found["instances"]
    ]
    assert ids == [orphan["candidates"][0]["id"]]  # it was kept, not made again
