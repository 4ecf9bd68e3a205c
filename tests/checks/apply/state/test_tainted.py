"""Tainted resources: untainted where AWS shows them complete, and only there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks.apply.run.stream import ApplyProgress
from checks.apply.state.tainted import EXECUTION_HALTED, TaintedResource, check_tainted, interrupted_while_waiting
from checks.context import CheckContext
from checks.tools.run import CommandResult
from checks.tools.terraform import StateResource, Terraform, parse_state
from checks.tools.terraform_errors import Diagnostic
from config.model import AwsSettings, Settings
from ecotui.cli import recover

REGION = "ap-northeast-2"
WAITED = "waiting for EC2 Instance (i-1) create: context canceled"


@pytest.fixture
def context(tmp_path: Path, aws_env: dict[str, str]) -> CheckContext:
    return CheckContext(settings=Settings(aws=AwsSettings(region=REGION)), project=tmp_path, env=aws_env)


def client(env: Any, service: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name=REGION, endpoint_url=env["AWS_ENDPOINT_URL"], **keys)


def stopped(**errors: str) -> ApplyProgress:
    """A run that said these errors: address (with `__` for the dot) to text."""
    said = [
        Diagnostic(severity="error", summary=text, address=address.replace("__", "."))
        for address, text in errors.items()
    ]
    return ApplyProgress(total_count=3, done_count=1, failed_count=len(said), errors=tuple(said))


def test_only_an_interrupted_wait_counts_as_interrupted() -> None:
    progress = stopped(
        aws_instance__node=WAITED, aws_instance__other="Error: UnauthorizedOperation", aws_eip__main=EXECUTION_HALTED
    )
    assert interrupted_while_waiting(progress) == {"aws_instance.node", "aws_eip.main"}
    both = Diagnostic(severity="error", summary="local-exec provisioner error", address="aws_instance.node")
    again = ApplyProgress(total_count=1, done_count=0, failed_count=1, errors=(*progress.errors, both))
    assert interrupted_while_waiting(again) == {"aws_eip.main"}


def test_a_running_instance_is_complete_and_a_deleted_or_failed_one_is_not(context: CheckContext) -> None:
    ec2 = client(context.env, "ec2")
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2, InstanceType="t3a.large")
    runs, gone = (one["InstanceId"] for one in made["Instances"])
    ec2.terminate_instances(InstanceIds=[gone])
    marked = [
        StateResource(address="aws_instance.runs", type="aws_instance", id=runs, tainted=True),
        StateResource(address="aws_instance.gone", type="aws_instance", id=gone, tainted=True),
        StateResource(address="aws_instance.failed", type="aws_instance", id=runs, tainted=True),
        StateResource(address="aws_route53_record.x", type="aws_route53_record", id="Z_x_A", tainted=True),
    ]
    progress = stopped(
        aws_instance__runs=WAITED,
        aws_instance__gone=WAITED,
        aws_instance__failed="remote-exec provisioner error",
        aws_route53_record__x=WAITED,
    )
    found = check_tainted(context, marked, progress)
    assert [one.is_complete for one in found] == [True, False, False, False]
    assert found[0].status == f"{runs} is running"
    assert "is terminated" in found[1].status
    assert "failed" in found[2].status
    assert "the next plan replaces it" in found[3].status


def test_a_resource_that_cannot_be_checked_is_not_complete(
    tmp_path: Path, dead_endpoint: str, aws_env: dict[str, str]
) -> None:
    env = {**aws_env, "AWS_ENDPOINT_URL": dead_endpoint}
    at = CheckContext(settings=Settings(aws=AwsSettings(region=REGION, timeout=1)), project=tmp_path, env=env)
    marked = [StateResource(address="aws_instance.node", type="aws_instance", id="i-1", tainted=True)]
    (found,) = check_tainted(at, marked, stopped(aws_instance__node=WAITED))
    assert not found.is_complete
    assert "reached" in found.status


class Recorded(Terraform):
    """Says what terraform would be asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def untaint(self, address: str) -> CommandResult:
        self.asked.append(("untaint", address))
        return CommandResult(argv=(), exit_code=0, stdout="", stderr="", elapsed=0.0)

    def refresh_resources(self, addresses: Sequence[str]) -> CommandResult:
        self.asked.append(("read back", *addresses))
        return CommandResult(argv=(), exit_code=0, stdout="", stderr="", elapsed=0.0)


COMPLETE = TaintedResource(address="aws_instance.a", id="i-1", is_complete=True, status="i-1 is running")
FAILED = TaintedResource(address="aws_instance.b", id="i-2", status="its creation failed, so the next plan replaces it")


@pytest.mark.parametrize(
    ("words", "code", "asked"),
    [
        ([""], 0, [("untaint", COMPLETE.address), ("read back", COMPLETE.address)]),
        ([COMPLETE.address], 0, [("untaint", COMPLETE.address), ("read back", COMPLETE.address)]),
        ([COMPLETE.address, FAILED.address], 3, []),
        ([FAILED.address], 3, []),
        (["aws_instance.other"], 3, []),
    ],
)
def test_only_complete_resources_are_untainted_and_all_that_are_named_or_none(
    words: list[str], code: int, asked: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    terraform = Recorded()
    assert recover._untaint(terraform, recover._RecoveryFindings(None, None, (), "", (COMPLETE, FAILED)), words) == code
    assert terraform.asked == asked
    said = capsys.readouterr()
    assert ("Untainted aws_instance.a: i-1 is running" in said.out) is (code == 0)
    assert ("nothing was changed" in said.err) is (code != 0)


def test_nothing_is_untainted_while_the_state_cannot_be_read_or_nothing_is_complete(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terraform = Recorded()
    for left in (
        recover._RecoveryFindings(None, None, (), "no credentials", (COMPLETE,)),
        recover._RecoveryFindings(None, None, (), "", (FAILED,)),
    ):
        assert recover._untaint(terraform, left, [""]) == 3
        assert "nothing was changed" in capsys.readouterr().err
    assert terraform.asked == []


def test_the_state_has_the_tainted_resources() -> None:
    text = json.dumps(
        {
            "version": 4,
            "serial": 1,
            "lineage": "x",
            "resources": [
                {
                    "mode": "managed",
                    "type": "aws_instance",
                    "name": "node",
                    "instances": [
                        {"index_key": "a", "status": "tainted", "attributes": {"id": "i-1"}},
                        {"index_key": "b", "attributes": {"id": "i-2"}},
                    ],
                }
            ],
        }
    )
    assert [(one.address, one.tainted) for one in parse_state(text).resources] == [
        ('aws_instance.node["a"]', True),
        ('aws_instance.node["b"]', False),
    ]
