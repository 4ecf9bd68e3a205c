"""Who holds the lock of the state: of a local one, of one in S3; and what is said when that cannot be known."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from checks.apply.state import lock as state_lock
from checks.context import CheckContext
from checks.tools import terraform_backend
from config.model import AwsSettings, Settings, TerraformSettings
from ecotui.cli import main

HERE = f"operator@{socket.gethostname()}"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def info(who: str = "kim@bastion", created: str = "2026-11-23T20:00:00.123Z", id_: str = "a-1") -> str:
    return json.dumps({"ID": id_, "Who": who, "Operation": "OperationTypeApply", "Created": created})


def check_context(tmp_path: Path, env: dict[str, str] | None = None, **terraform: Any) -> CheckContext:
    (tmp_path / "terraform" / ".terraform").mkdir(parents=True, exist_ok=True)
    return CheckContext(
        settings=Settings(aws=AwsSettings(region="ap-northeast-2"), terraform=TerraformSettings(**terraform)),
        project=tmp_path,
        env=env or {},
    )


def connected(at: CheckContext, type_: str, **config: Any) -> None:
    record = {"version": 3, "backend": {"type": type_, "config": config}}
    (at.terraform_folder / ".terraform" / "terraform.tfstate").write_text(json.dumps(record))


@pytest.fixture
def s3(tmp_path: Path, aws_env: dict[str, str]) -> CheckContext:
    at = check_context(tmp_path / "project", aws_env)
    connected(at, "s3", bucket="states", key="k/s.tfstate", region="ap-northeast-2", use_lockfile=True)
    client(aws_env, "s3").create_bucket(
        Bucket="states", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )
    return at


def client(env: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,
        region_name="ap-northeast-2",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_a_lock_file_in_s3_names_its_holder_and_none_is_free(s3: CheckContext, aws_env: dict[str, str]) -> None:
    assert state_lock.read_state_lock(s3) == state_lock.StateLockStatus()
    client(aws_env, "s3").put_object(Bucket="states", Key="k/s.tfstate.tflock", Body=info().encode())
    lock = state_lock.read_state_lock(s3).lock
    assert lock is not None
    assert (lock.id, lock.who, lock.where, lock.alive) == ("a-1", "kim@bastion", "s3", None)
    assert lock.sentence == "The state is locked by kim@bastion for apply since 2026-11-23 20:00:00 UTC (lock a-1)"
    assert "cannot be known" in lock.holder_status


def test_an_item_of_the_lock_table_is_the_lock(s3: CheckContext, aws_env: dict[str, str]) -> None:
    connected(s3, "s3", bucket="states", key="k/s.tfstate", region="ap-northeast-2", dynamodb_table="locks")
    table = client(aws_env, "dynamodb")
    table.create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # The digest that terraform keeps beside it is no lock.
    table.put_item(TableName="locks", Item={"LockID": {"S": "states/k/s.tfstate-md5"}, "Digest": {"S": "0"}})
    assert state_lock.read_state_lock(s3) == state_lock.StateLockStatus()
    table.put_item(TableName="locks", Item={"LockID": {"S": "states/k/s.tfstate"}, "Info": {"S": info(id_="b-2")}})
    lock = state_lock.read_state_lock(s3).lock
    assert lock is not None and lock.id == "b-2"


def test_a_lock_that_may_not_be_read_is_unknown_and_names_the_action(s3: CheckContext) -> None:
    connected(s3, "s3", bucket="nobody-s", key="k/s.tfstate", region="ap-northeast-2", use_lockfile=True)
    sight = state_lock.read_state_lock(s3)
    assert sight.lock is None
    assert sight.unknown_reason.startswith("the lock in s3://nobody-s/k/s.tfstate could not be read")


def test_another_backend_is_never_taken_for_unlocked(tmp_path: Path) -> None:
    at = check_context(tmp_path)
    connected(at, "gcs", bucket="b")
    assert "shows only when terraform runs into it" in state_lock.read_state_lock(at).unknown_reason
    (at.terraform_folder / ".terraform" / "terraform.tfstate").write_text("{")
    assert "cannot be understood" in state_lock.read_state_lock(at).unknown_reason


def test_workspaces_move_the_state_and_so_its_lock(tmp_path: Path) -> None:
    at = check_context(tmp_path, workspace="blue")
    assert (
        terraform_backend.read_backend(at).state_file
        == at.terraform_folder / "terraform.tfstate.d/blue/terraform.tfstate"
    )
    connected(at, "s3", bucket="b", key="k")
    assert terraform_backend.read_backend(at).location == "s3://b/env:/blue/k"


@linux
def test_a_holder_on_this_machine_that_has_ended_is_reported_as_ended(tmp_path: Path) -> None:
    old = (datetime.now(UTC) - timedelta(days=900)).isoformat()
    lock = state_lock._make_lock(json.loads(info(HERE, old)), path="p", where="s3", alive=None)
    judged = state_lock.add_holder_status(lock, tmp_path)
    assert judged.alive is False
    elsewhere = state_lock._make_lock(json.loads(info("kim@bastion", old)), path="p", where="s3", alive=None)
    assert state_lock.add_holder_status(elsewhere, tmp_path).alive is None


@linux
def test_a_holder_that_runs_in_this_folder_is_alive(tmp_path: Path) -> None:
    fake = tmp_path / "terraform"
    fake.write_text("echo ready; read line\n")
    with subprocess.Popen(
        ["/bin/sh", str(fake)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        # Until its first line is here, its words need not be in /proc: they come after the exec that Popen waits for.
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        now = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
        lock = state_lock._make_lock(json.loads(info(HERE, now)), path="p", where="s3", alive=None)
        judged = state_lock.add_holder_status(lock, tmp_path)
        process.communicate(b"\n", timeout=5)
    assert judged.alive is True
    assert judged.pid == process.pid
    assert f"as {process.pid}" in judged.holder_status


@pytest.fixture
def locked(s3: CheckContext, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose state in S3 is locked; its terraform only writes down how it was called, in the file returned."""
    client(aws_env, "s3").put_object(Bucket="states", Key="k/s.tfstate.tflock", Body=info().encode())
    called, terraform = s3.project / "called", s3.project / "fake-terraform"
    terraform.write_text(f'#!/bin/sh\necho "$@" >> "{called}"\n')
    terraform.chmod(0o755)
    (s3.project / "ecotui.yaml").write_text(
        f"project: x\naws:\n  region: ap-northeast-2\nterraform:\n  command: [{terraform}]\n"
    )
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(s3.project)
    return called


def test_unlock_shows_the_lock_and_removes_nothing(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unlock"]) == 3
    said = capsys.readouterr().out
    assert "locked by kim@bastion for apply since 2026-11-23 20:00:00 UTC" in said
    assert "ecotui unlock --approve a-1" in said
    assert not locked.exists()


def test_unlock_removes_the_lock_that_was_approved(locked: Path) -> None:
    assert main(["unlock", "--approve", "a-1"]) == 0
    assert locked.read_text() == "force-unlock -force a-1\n"


@pytest.mark.parametrize(("id_", "code"), [("b-2", 3), ("--help me", 2), ("", 2)])
def test_unlock_takes_no_other_id(locked: Path, id_: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unlock", f"--approve={id_}"]) == code
    assert "nothing was removed" in capsys.readouterr().err
    assert not locked.exists()


def test_unlock_refuses_a_lock_whose_holder_runs(
    locked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        state_lock, "add_holder_status", lambda lock, *_: msgspec.structs.replace(lock, alive=True, pid=77)
    )
    assert main(["unlock", "--approve", "a-1"]) == 3
    assert "that process is running here, as 77" in capsys.readouterr().err
    assert not locked.exists()


def test_a_free_state_needs_no_unlock(
    locked: Path, aws_env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    client(aws_env, "s3").delete_object(Bucket="states", Key="k/s.tfstate.tflock")
    assert main(["unlock"]) == 0
    assert "Nobody holds the lock" in capsys.readouterr().out
    assert main(["unlock", "--approve", "a-1"]) == 3
    assert not locked.exists()
