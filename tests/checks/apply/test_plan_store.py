"""Saved plans: which are refused and why, and the review beside them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checks.apply import plan_store
from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.plan.model import PlanUnreadable, read_plan


def change(address: str, actions: list[str], **delta: Any) -> dict[str, Any]:
    return {
        "address": address,
        "type": address.partition(".")[0],
        "mode": "managed",
        "change": {"actions": actions, **delta},
    }


def text(*changes: dict[str, Any], version: str = "1.2") -> bytes:
    return json.dumps({"format_version": version, "resource_changes": changes}).encode()


def ecotui(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(folder), "PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "ecotui", *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def project(folder: Path, terraform: str) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "terraform"
    program.write_text(f"#!/bin/sh\n{terraform}\n")
    program.chmod(0o755)
    (folder / "tf" / ".terraform").mkdir(parents=True)
    (folder / "tf" / "main.tf").write_text("")
    (folder / "ecotui.yaml").write_text("project: plans\nterraform: {directory: tf}\n")


def test_a_data_loss_needs_its_exact_number_without_a_terminal(tmp_path: Path) -> None:
    project(tmp_path, f"echo $@ >> {tmp_path}/ran; exit 1")
    plan, _ = read_plan(
        text(
            change("aws_db_instance.main", ["delete"], before={"id": "db-1"}),
            change("aws_s3_bucket.logs", ["delete", "create"], before={}, after={}),
            change("aws_vpc.old", ["delete"], before={}),
        )
    )
    file = tmp_path / plan_store.PLAN_FILE
    file.write_bytes(b"PK")
    plan_store.write_review(
        tmp_path,
        SavedReview(
            plan_sha256=hashlib.sha256(b"PK").hexdigest(),
            created_at=0,
            folder=str(tmp_path / "tf"),
            workspace="",
            plan=plan,
            forecast=Forecast(),
        ),
    )
    for words in (("--yes",), ("--yes", "--destroy", "1"), ("--destroy", "3")):
        refused = ecotui(tmp_path, "apply", "--plan", str(file), *words)
        assert refused.returncode == 3, refused.stderr
        assert "2 that hold data are lost: 1 destroyed, 1 replaced" in refused.stderr
        assert "destroy aws_db_instance.main" in refused.stderr
        assert "add --destroy 2" in refused.stderr
    assert "apply" not in (tmp_path / "ran").read_text()
    file.write_bytes(b"another plan")
    changed = ecotui(tmp_path, "apply", "--plan", str(file), "--yes", "--destroy", "2")
    assert changed.returncode == 3
    assert "is not the one that was reviewed" in changed.stderr


DISK_FULL = """\
case "$1" in
  state) echo '{"version": 4, "serial": 1, "lineage": "a", "resources": []}' ;;
  plan) for word; do case "$word" in -out=*) printf half > "${word#-out=}" ;; esac; done
    echo '{"@level":"error","@message":"Error: Failed to write plan file","type":"diagnostic","diagnostic":{"severity":"error","summary":"Failed to write plan file","detail":"The plan file could not be written: write plan.tfplan: no space left on device."}}'
    exit 1 ;;
  *) echo '{}' ;;
esac"""


def test_a_full_disk_while_planning_is_reported_and_leaves_no_partial_plan(tmp_path: Path) -> None:
    project(tmp_path, DISK_FULL)
    ended = ecotui(tmp_path, "plan", "--out", str(tmp_path / "out"))
    assert ended.returncode == 3, ended.stderr
    assert "no space left on device" in ended.stderr
    assert list((tmp_path / "out").iterdir()) == []
    refused = ecotui(tmp_path, "apply", "--yes", "--plan", str(tmp_path / "out"))
    assert refused.returncode == 3
    assert "there is no plan" in refused.stderr


def test_a_plan_without_aws_is_reviewed_without_credentials(tmp_path: Path) -> None:
    plan = text(change("terraform_data.note", ["create"], after={"input": "한국어"})).decode()
    quiet = DISK_FULL.partition("    echo")[0] + f"    ;;\n  show) echo '{plan}' ;;\n  *) echo '{{}}' ;;\nesac"
    project(tmp_path, quiet)
    ended = ecotui(tmp_path, "plan", "--out", str(tmp_path / "out"))
    assert ended.returncode == 0, ended.stderr
    assert "Plan: 1 to create" in ended.stdout
    review = plan_store.read_review(tmp_path / "out")
    assert (review.account, review.forecast.lookup_count) == ("", 0)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (text(change("aws_vpc.a", ["create"], after={}))[:-20], "truncated"),
        (text(version="2.0"), "format 2.0; only 1.x is understood"),
        (b'{"format_version": "3", "resource_changes": {"of": "another shape"}}', "format 3"),
        (b"", "it is empty"),
        (os.urandom(500), "not the JSON of a terraform plan"),
    ],
    ids=["truncated", "version", "shape", "empty", "garbage"],
)
def test_a_file_that_is_no_plan_is_refused_in_one_line(document: bytes, words: str) -> None:
    with pytest.raises(PlanUnreadable, match=words) as refused:
        read_plan(document)
    assert "\n" not in str(refused.value)


def test_a_damaged_plan_is_not_quoted_because_it_may_hold_a_password() -> None:
    whole = b'{"format_version": "1.2", "variables": {"password": {"value": "hunter2"}}, "resource_ch'
    with pytest.raises(PlanUnreadable) as refused:
        read_plan(whole)
    assert "hunter2" not in str(refused.value)


def attributes(before: Any, after: Any, **more: Any) -> dict[str, tuple[str | None, str | None]]:
    plan, _ = read_plan(text(change("aws_x.a", ["update"], before=before, after=after, **more)))
    return {one.path: (one.before, one.after) for one in plan.changes[0].attributes}


def test_a_change_deep_inside_is_named_by_its_path() -> None:
    rule = {"port": 22, "cidr_blocks": ["10.0.0.0/8"]}
    policy = {"Statement": [{"Action": "s3:Get", "Resource": "*"}]}
    wider = {"Statement": [{"Action": "s3:*", "Resource": "*"}]}
    assert attributes(
        {"tags": {"이름": "옛", "b": "x"}, "ingress": [{"port": 80}, rule], "policy": json.dumps(policy)},
        {"tags": {"이름": "새", "b": "x"}, "ingress": [rule | {"port": 23}, {"port": 80}], "policy": json.dumps(wider)},
    ) == {
        "tags.이름": ("옛", "새"),
        "ingress[0].port": ("22", "23"),
        "policy.Statement[0].Action": ("s3:Get", "s3:*"),
    }  # fmt: skip


def test_a_sensitive_part_masks_the_whole_value() -> None:
    found = attributes(
        {"list": ["a", "hunter2"], "env": [{"name": "DB_PASSWORD", "value": "hunter2"}], "new": "hunter2"},
        {"list": ["b", "hunter2"], "env": [{"name": "DB_PASSWORD", "value": "hunter3"}], "new": "hunter4"},
        before_sensitive={"list": [False, True]},
        after_sensitive={"list": [False, True], "new": True},
        after_unknown={"later": {"id": True}},
    )
    assert "hunter" not in str(found)
    assert found["later.id"] == (None, "(known after apply)")
    assert set(found) == {"list", "env[0].value", "new", "later.id"}


def test_a_review_on_the_disk_keeps_the_keys_that_earlier_versions_wrote(tmp_path: Path) -> None:
    collision = {
        "address": "a.b",
        "type": "a",
        "name": "b",
        "existing": "b-1",
        "ways_out": ["rename"],
        "place": "a.tf:1",
    }
    protected = {"address": "a.c", "type": "a", "name": "c", "why": "it is protected", "place": "a.tf:2"}
    not_checked = {"what": "name", "why": "denied", "failed": True}
    change = {"address": "a.b", "type": "a", "action": "create", "actions": ["create"], "later": 3, "omitted": 2}
    written = {
        "plan_sha256": "00",
        "made": 12.5,
        "folder": "/p",
        "workspace": "",
        "plan": {"terraform": "1.11", "format": "1.2", "changes": [change], "after": {"a.b": ["a.c"]}},
        "forecast": {"collisions": [collision], "kept": [protected], "unknown": [not_checked], "looked": 4},
    }
    (tmp_path / plan_store.PLAN_FILE).write_bytes(b"")
    (tmp_path / plan_store.REVIEW_FILE).write_text(json.dumps(written))
    review = plan_store.read_review(tmp_path)
    assert (review.forecast.lookup_count, review.forecast.protected[0].location) == (4, "a.tf:2")
    assert (review.plan.dependencies, review.plan.changes[0].computed_count) == ({"a.b": ("a.c",)}, 3)
    plan_store.write_review(tmp_path, review)
    assert json.loads((tmp_path / plan_store.REVIEW_FILE).read_text()) == written
