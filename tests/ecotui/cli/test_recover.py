"""What an interrupted apply left: the state that it could not save, and what it began and no state knows."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks.apply.run.stream import ApplyProgress, FinishedOperation, RunningOperation
from checks.apply.state.errored import PushSafety, archive_errored_state, compare_with_state, read_errored_state
from checks.apply.state.orphans import (
    InterruptedCreation,
    OrphanCandidate,
    OrphanedResource,
    find_interrupted_creations,
    find_orphan,
)
from checks.context import CheckContext
from checks.tools.terraform import parse_state
from config.model import AwsSettings, Settings
from ecotui.cli import main

REGION = "ap-northeast-2"


def state(serial: int, *names: str, lineage: str = "abc") -> str:
    return json.dumps(
        {
            "version": 4,
            "serial": serial,
            "lineage": lineage,
            "resources": [
                {"mode": "managed", "type": "terraform_data", "name": name, "instances": [{"attributes": {}}]}
                for name in names
            ],
        }
    )


@pytest.mark.parametrize(
    ("kept", "now", "fit"),
    [
        (state(8, "a", "b"), state(7, "a"), PushSafety.AHEAD),
        (state(8, "a"), "", PushSafety.AHEAD),
        (state(7, "a"), state(7, "a"), PushSafety.SAME),
        (state(7, "a"), state(7, "b"), PushSafety.BEHIND),
        (state(6, "a"), state(7, "a"), PushSafety.BEHIND),
        (state(9, "a", lineage="other"), state(7, "a"), PushSafety.FOREIGN),
        ("{}", state(7, "a"), PushSafety.BROKEN),
        ("", state(7, "a"), PushSafety.BROKEN),
        ("nonsense", state(7, "a"), PushSafety.BROKEN),
    ],
)
def test_an_errored_state_is_pushed_only_over_an_older_one_of_its_lineage(kept: str, now: str, fit: PushSafety) -> None:
    found = compare_with_state(Path("errored.tfstate"), kept.encode(), parse_state(now))
    assert found.push_safety is fit
    assert found.is_pushable is (fit is PushSafety.AHEAD)


def test_an_errored_state_is_not_compared_while_the_other_cannot_be_read() -> None:
    found = compare_with_state(Path("errored.tfstate"), state(8, "a").encode(), None, "no credentials")
    assert (found.push_safety, found.is_pushable) == (PushSafety.UNCOMPARED, False)
    assert "no credentials" in found.sentence


def test_a_link_instead_of_the_errored_state_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(state(8, "a"))
    (tmp_path / "errored.tfstate").symlink_to(tmp_path / "elsewhere")
    found = read_errored_state(tmp_path, parse_state(""))
    assert found
    assert found.push_safety is PushSafety.BROKEN


def test_only_the_file_that_was_shown_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "errored.tfstate").write_text(state(8, "a"))
    found = read_errored_state(tmp_path, parse_state(""))
    assert found
    (tmp_path / "errored.tfstate").write_text(state(9, "a"))
    with pytest.raises(FileNotFoundError):
        archive_errored_state(tmp_path, found.digest)
    assert (tmp_path / "errored.tfstate").exists()
    now = read_errored_state(tmp_path, parse_state(""))
    assert now
    aside = archive_errored_state(tmp_path, now.digest)
    assert aside.read_text() == state(9, "a")
    assert aside.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "errored.tfstate").exists()


# What was begun


def test_a_creation_that_the_stream_leaves_open_and_the_state_lacks_is_interrupted() -> None:
    progress = ApplyProgress(
        total_count=5,
        done_count=1,
        failed_count=1,
        running_operations=(
            RunningOperation(address="aws_vpc.cut", action="create", started_at=3.0),
            RunningOperation(address="aws_vpc.changed", action="update", started_at=1.0),
            RunningOperation(address="aws_vpc.saved", action="create", started_at=2.0),
        ),
        failed_operations=(
            FinishedOperation(address="aws_iam_role.failed", action="create", duration=1, ended_at=2, started_at=1.0),
        ),
        finished_operations=(
            FinishedOperation(
                address="aws_eip.lost", action="create", duration=1, ended_at=5, started_at=4.0, id="eipalloc-1"
            ),
            FinishedOperation(
                address="aws_eip.old", action="delete", duration=1, ended_at=5, started_at=4.0, id="eipalloc-0"
            ),
        ),
    )
    found = find_interrupted_creations(progress, (), {"aws_vpc.saved"})
    assert [(one.address, one.failed, one.id) for one in found] == [
        ("aws_iam_role.failed", True, ""),
        ("aws_vpc.cut", False, ""),
        ("aws_eip.lost", False, "eipalloc-1"),
    ]


def test_the_id_that_terraform_reported_is_checked_and_nothing_else_is_taken_for_it(context: CheckContext) -> None:
    ec2 = client(context.env, "ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "main"}]}]
    ids = [ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"] for _ in range(2)]
    planned = {"tags.Name": "main"}
    one = InterruptedCreation(address="aws_vpc.main", started_at=1.0, id=ids[1], planned_attributes=planned)
    assert [each.id for each in find_orphan(context, one, set()).candidates] == [ids[1]]
    gone = InterruptedCreation(address="aws_vpc.main", started_at=1.0, id="vpc-gone", planned_attributes=planned)
    assert find_orphan(context, gone, set()).candidates == ()
    untagged = find_orphan(context, InterruptedCreation(address="aws_vpc.main", started_at=1.0, id=ids[0]), set())
    assert [each.id for each in untagged.candidates] == [ids[0]]
    unsought = find_orphan(context, InterruptedCreation(address="aws_wonder.x", started_at=1.0, id="w-1"), set())
    assert [each.id for each in unsought.candidates] == ["w-1"]
    assert "was not checked" in unsought.sentence


def test_a_security_group_in_a_vpc_of_the_same_run_is_found_by_its_name(context: CheckContext) -> None:
    ec2 = client(context.env, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="node", Description="x", VpcId=vpc)["GroupId"]
    found = find_orphan(context, creation("aws_security_group.node", name="node"), set())
    assert [one.id for one in found.candidates] == [group]


@pytest.fixture
def context(tmp_path: Path, aws_env: dict[str, str]) -> CheckContext:
    return CheckContext(settings=Settings(aws=AwsSettings(region=REGION)), project=tmp_path, env=aws_env)


def client(env: Any, service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def creation(address: str, **planned: str) -> InterruptedCreation:
    return InterruptedCreation(
        address=address,
        started_at=time.time(),
        planned_attributes={path.replace("__", "."): value for path, value in planned.items()},
    )


def test_an_orphan_is_found_by_its_tags_and_not_what_the_state_has(context: CheckContext) -> None:
    ec2 = client(context.env, "ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "main"}]}]
    ours = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    known = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    found = find_orphan(context, creation("aws_vpc.main", tags__Name="main"), {known})
    assert [one.id for one in found.candidates] == [ours]
    assert ours in found.sentence
    assert find_orphan(context, creation("aws_vpc.main", tags__Name="other"), set()).candidates == ()


def test_an_orphan_is_found_by_a_name_that_aws_gives_once(context: CheckContext) -> None:
    client(context.env, "iam").create_role(RoleName="node", AssumeRolePolicyDocument="{}")
    found = find_orphan(context, creation("aws_iam_role.node", name="node"), set())
    assert [one.import_id for one in found.candidates] == ["node"]


def test_an_instance_of_this_run_s_time_is_found_by_its_type(context: CheckContext) -> None:
    ec2 = client(context.env, "ec2")
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3a.large")
    (id_,) = [one["InstanceId"] for one in made["Instances"]]
    one = creation("aws_instance.node", instance_type="t3a.large")
    assert [each.id for each in find_orphan(context, one, set()).candidates] == [id_]
    earlier = InterruptedCreation(
        address=one.address, started_at=time.time() + 600, planned_attributes=one.planned_attributes
    )
    assert find_orphan(context, earlier, set()).candidates == ()
    assert find_orphan(context, creation("aws_instance.node", instance_type="t3a.small"), set()).candidates == ()


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (creation("aws_vpc.main"), "no tag by which it could be found"),
        (creation("aws_iam_role.node"), "name is not in the reviewed plan"),
        (creation("aws_wonder.of_the_world", name="x"), "no call that finds a lost aws_wonder"),
    ],
)
def test_an_orphan_that_cannot_be_searched_for_is_unknown(
    context: CheckContext, one: InterruptedCreation, why: str
) -> None:
    found = find_orphan(context, one, set())
    assert why in found.unknown_reason
    assert "is not known" in found.sentence


def test_a_failed_search_is_unknown(tmp_path: Path, dead_endpoint: str, aws_env: dict[str, str]) -> None:
    env = {**aws_env, "AWS_ENDPOINT_URL": dead_endpoint}
    at = CheckContext(settings=Settings(aws=AwsSettings(region=REGION, timeout=1)), project=tmp_path, env=env)
    found = find_orphan(at, creation("aws_vpc.main", tags__Name="main"), set())
    assert found.unknown_reason
    assert found.candidates == ()


# With a real terraform, whose backend is taken away while it works


CUT = """
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/moto-api/reset", method="POST"), timeout=10).close()
"""
CONFIGURATION = """
terraform {
  backend "s3" {
    bucket                      = "states"
    key                         = "k/s.tfstate"
    region                      = "ap-northeast-2"
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
    use_lockfile                = true
  }
}
variable "cut" {}
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = var.cut
  }
}
"""


@pytest.fixture
def project(tmp_path: Path, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("terraform"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("terraform is not on this machine")
    folder = tmp_path / "project"
    (folder / "terraform").mkdir(parents=True)
    (folder / "terraform" / "main.tf").write_text(CONFIGURATION)
    (folder / "ecotui.yaml").write_text("project: fixture\nquota: {limits: []}\naws: {region: ap-northeast-2}\n")
    script = tmp_path / "cut.py"
    script.write_text(CUT)
    bucket(aws_env)
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TF_VAR_cut", f"'{sys.executable}' '{script}' '{aws_env['AWS_ENDPOINT_URL']}'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.chdir(folder)
    return folder / "terraform"


def bucket(env: dict[str, str]) -> None:
    client(env, "s3").create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": REGION})


@pytest.mark.real
def test_a_state_whose_backend_went_away_is_saved_and_the_next_apply_goes_on(
    project: Path, aws_env: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan"]) in (0, 4), capfd.readouterr()
    assert main(["apply", "--yes"]) == 1
    assert (project / "errored.tfstate").exists(), capfd.readouterr()
    bucket(aws_env)  # the backend is back, and empty
    capfd.readouterr()

    assert main(["recover", "--json"]) == 3
    shown = json.loads(capfd.readouterr().out)
    assert shown["errored"]["fit"] == "ahead"
    assert shown["errored"]["gained"] == ["terraform_data.first", "terraform_data.second"]

    assert main(["recover", "--approve", "0" * 12]) == 3
    assert (project / "errored.tfstate").exists()
    assert main(["recover", "--approve", shown["errored"]["digest"]]) == 0
    assert "2 more than before" in capfd.readouterr().out
    assert not (project / "errored.tfstate").exists()
    assert len(list(project.glob("errored.tfstate.*"))) == 1

    assert main(["recover"]) == 0
    assert main(["plan"]) == 0
    assert main(["apply", "--yes"]) == 0
    assert "Nothing to apply" in capfd.readouterr().out


def test_the_sentence_of_an_orphan_says_once_what_happened_and_what_was_found() -> None:
    candidate = OrphanCandidate(id="i-1", import_id="i-1", description="i-1 (running)")
    orphan = OrphanedResource(creation=creation("aws_instance.node"), candidates=(candidate,))
    assert orphan.sentence == "its creation was interrupted; in the account: i-1 (running)"
