"""The demo's fake terraform: what it says of itself, where it refuses to go, and a whole apply without terraform."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from checks.apply.plan.model import read_plan
from checks.context import CheckContext
from checks.tools.run import CommandResult, run_command
from checks.tools.terraform import Terraform
from checks.tools.terraform_errors import parse_diagnostics
from config.model import AwsSettings, Settings
from ecotui.demo import fake_terraform, provider_mirror
from ecotui.demo.fake_terraform import plan as planning
from ecotui.demo.fake_terraform import record_plan
from ecotui.demo.fake_terraform.apply import apply_plan
from ecotui.demo.fake_terraform.output import TerraformOutput
from ecotui.demo.fake_terraform.state import FakeState, split_address


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A demo's world in its own process, twenty times as fast; its ready line."""
    home = tmp_path_factory.mktemp("world") / "home"
    argv = [sys.executable, "-m", "ecotui.demo.server", "--home", str(home), "--speed", "20"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        line: dict[str, Any] = {}
        while not line.get("ready"):
            line = json.loads(process.stdout.readline())
            assert "failed" not in line, line
        yield line
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture
def env(ready: dict[str, Any], tmp_path: Path) -> dict[str, str]:
    fake_terraform.write_launcher(tmp_path / "bin")
    return {**ready["env"], "PATH": f"{tmp_path / 'bin'}{os.pathsep}{ready['env']['PATH']}"}


@pytest.fixture
def project(ready: dict[str, Any], tmp_path: Path) -> Path:
    """A copy of the demo's project that nothing has been applied to."""
    copy = tmp_path / "project"
    shutil.copytree(ready["project"], copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate"))
    return copy


@pytest.fixture
def terraform(env: dict[str, str], project: Path) -> Terraform:
    settings = Settings(aws=AwsSettings(region="ap-northeast-2"))
    return Terraform(CheckContext(settings=settings, project=project, env=env))


def run(terraform: Terraform, *argv: str) -> CommandResult:
    return run_command(argv, env=terraform.env, cwd=terraform.folder, timeout=60)


def test_it_says_that_it_is_a_stand_in(tmp_path: Path) -> None:
    fake_terraform.write_launcher(tmp_path)
    done = subprocess.run([tmp_path / "terraform", "version"], capture_output=True, text=True, check=True, timeout=30)
    assert "a stand-in for terraform" in done.stdout


def test_a_launcher_does_not_take_the_projects_files_for_modules(tmp_path: Path) -> None:
    fake_terraform.write_launcher(tmp_path / "bin")
    for name in ("ecotui", "json", "config"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('wrong module')")
    done = subprocess.run(
        [tmp_path / "bin" / "terraform", "version", "-json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["stand_in"] is True


def test_terraform_goes_to_no_other_aws(terraform: Terraform, tmp_path: Path) -> None:
    terraform.init()
    for endpoint in ({}, {"AWS_ENDPOINT_URL": "https://ec2.ap-northeast-2.amazonaws.com"}):
        env = {key: value for key, value in terraform.env.items() if key != "AWS_ENDPOINT_URL"}
        done = run_command(
            terraform.plan_argv(tmp_path / "p"), env={**env, **endpoint}, cwd=terraform.folder, timeout=30
        )
        assert done.exit_code == 1
        assert "the demo's AWS only" in done.stdout


def test_without_init_terraform_says_so(terraform: Terraform) -> None:
    assert terraform.version() == "1.11.4"
    validation = terraform.validate()
    assert not validation.valid
    assert "terraform init" in validation.errors[0].detail
    terraform.init()
    assert terraform.validate().valid


def test_the_plan_is_the_recorded_one_with_this_worlds_ids(terraform: Terraform, tmp_path: Path) -> None:
    terraform.init()
    out = tmp_path / "demo.tfplan"
    done = run(terraform, *terraform.plan_argv(out))
    assert done.exit_code == 0, done.stdout
    document = terraform.show_plan(out)
    plan, planned = read_plan(document)
    assert sum(change.type == "aws_instance" for change in plan.changes) == 13
    key = next(one for one in planned if one.type == "aws_key_pair")
    assert key.known_text("public_key") == (terraform.folder / "k8s-cluster-key.pub").read_text()
    assert record_plan.ZONE_PLACEHOLDER.encode() not in document
    assert f"{plan.total} to add" in done.stdout


def test_a_smaller_instance_type_is_planned(terraform: Terraform, tmp_path: Path) -> None:
    terraform.init()
    (terraform.folder / "sizes.auto.tfvars").write_text('worker_instance_type = "t3a.medium"\n')
    assert run(terraform, *terraform.plan_argv(tmp_path / "p")).exit_code == 0
    _, planned = read_plan(terraform.show_plan(tmp_path / "p"))
    sizes = [one.known_text("instance_type") for one in planned if one.type == "aws_instance"]
    assert sizes.count("t3a.large") == 1


def test_what_the_recording_does_not_cover_is_said(terraform: Terraform, tmp_path: Path) -> None:
    terraform.init()
    (terraform.folder / "more.tf").write_text('resource "aws_vpc" "second" {}\n')
    done = run(terraform, *terraform.plan_argv(tmp_path / "p"))
    assert "does not see changes in more.tf" in done.stdout
    refused = run(terraform, "terraform", "plan", "-json", "-var", "environment=test")
    assert refused.exit_code == 1
    assert "cannot plan with another environment" in refused.stdout


IMPORTS = {
    "aws_iam_policy.alb_controller": "arn:aws:iam::123456789012:policy/prod-alb-controller-policy",
    "aws_iam_policy.s3_presigned_url": "arn:aws:iam::123456789012:policy/prod-s3-presigned-url-policy",
    "aws_iam_role.k8s_node": "prod-k8s-node-role",
    "aws_iam_instance_profile.k8s_node": "prod-k8s-node-profile",
    "aws_key_pair.k8s": "k8s-cluster-key",
    "aws_s3_bucket.images": "prod-sesacthon-images",
}


def test_a_whole_apply_meets_the_errors_of_the_real_one_and_ends_with_13_nodes(
    terraform: Terraform, tmp_path: Path
) -> None:
    import boto3

    env, out = terraform.env, tmp_path / "demo.tfplan"
    session = boto3.Session(
        aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name="ap-northeast-2"
    )

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=env["AWS_ENDPOINT_URL"])

    def attempt() -> tuple[int, str]:
        assert run(terraform, *terraform.plan_argv(out)).exit_code == 0
        done = run(terraform, *terraform.apply_argv(out))
        return done.exit_code, "\n".join(one.summary for one in parse_diagnostics(done.stdout) if one.is_error)

    terraform.init()
    code, errors = attempt()
    assert code == 1
    assert "creating IAM Role (prod-k8s-node-role): operation error IAM: CreateRole" in errors
    assert "EntityAlreadyExists: A policy called prod-alb-controller-policy already exists" in errors
    assert "importing EC2 Key Pair (k8s-cluster-key)" in errors
    assert "api error InvalidKeyPair.Duplicate" in errors
    assert "BucketAlreadyOwnedByYou" in errors
    assert any(one.type == "aws_vpc" for one in terraform.pull_state().resources)
    stale = run(terraform, *terraform.apply_argv(out))
    assert "Saved plan is stale" in stale.stdout

    blocks = (f'import {{\n  to = {to}\n  id = "{identity}"\n}}\n' for to, identity in IMPORTS.items())
    (terraform.folder / "adopted.tf").write_text("".join(blocks))
    cloudfront = client("cloudfront")
    old = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]
    with (terraform.folder / "adopted.tf").open("a") as stream:
        stream.write(f'import {{\n  to = aws_cloudfront_distribution.images\n  id = "{old}"\n}}\n')
    code, errors = attempt()
    assert code == 1
    assert "creating EC2 Instance: operation error EC2: RunInstances" in errors
    assert "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 16" in errors
    assert errors.count("VcpuLimitExceeded") == 5

    client("service-quotas").request_service_quota_increase(ServiceCode="ec2", QuotaCode="L-1216C47A", DesiredValue=32)
    granted(client("service-quotas"))
    code, errors = attempt()
    assert (code, errors) == (0, "")
    state = terraform.pull_state()
    assert sum(one.type == "aws_instance" for one in state.resources) == 13
    outputs = terraform.read_outputs()
    private_ips = outputs["node_private_ips"]
    assert isinstance(private_ips, dict)
    assert len(private_ips) == 13
    assert outputs["images_bucket"] == "prod-sesacthon-images"
    assert terraform.count_pending_changes(timeout=30)[0] == {}


def granted(quotas: Any) -> None:
    import time

    for _ in range(100):
        quota = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
        if quota["Value"] == 32:
            return
        time.sleep(0.05)
    raise AssertionError("the quota was not granted in 5 s")


def test_one_interrupt_finishes_the_resource_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made_during_an_interrupt(context: object, after: object, key: object) -> dict[str, str]:
        os.kill(os.getpid(), signal.SIGINT)
        return {"id": "vpc-1"}

    monkeypatch.setattr(
        "ecotui.demo.fake_terraform.apply.CREATORS", {"aws_vpc": ("creating", "", made_during_an_interrupt)}
    )
    plan = planning.load_recording()
    before = signal.getsignal(signal.SIGINT)
    try:
        wanted = [one for one in plan["resource_changes"] if one["type"] in ("aws_vpc", "aws_subnet")]
        code = apply_plan(
            {**plan, "resource_changes": wanted},
            state := FakeState(tmp_path),
            lambda service, region_name=None: None,
            TerraformOutput(tmp_path, as_json=True),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 1
    assert list(state.resources) == ["aws_vpc.main"]
    assert list(FakeState(tmp_path).resources) == ["aws_vpc.main"]
    said = capsys.readouterr().out
    assert "Gracefully shutting down" in said
    assert "execution halted" in said


def test_what_depends_comes_after_what_it_needs() -> None:
    plan = planning.load_recording()
    seen: set[str] = set()
    for address, needs in planning.dependency_order(plan):
        assert needs <= seen, address
        seen.add(address)
    managed = {one["address"] for one in plan["resource_changes"] if one["mode"] == "managed"}
    assert seen == managed


def test_an_address_is_taken_apart() -> None:
    assert split_address('aws_instance.node["k8s-master"]') == ("aws_instance", "node", "k8s-master")
    assert split_address("aws_subnet.public[2]") == ("aws_subnet", "public", 2)
    assert split_address("aws_vpc.main") == ("aws_vpc", "main", None)


def test_the_recording_fits_the_project() -> None:
    """When this fails: python -m ecotui.demo.fake_terraform.record_plan"""
    folder = ROOT / "config" / "demo" / "terraform"
    assert planning.changed_files(folder) == []


@pytest.mark.real
@pytest.mark.skipif(
    not shutil.which("terraform") or provider_mirror.find_mirror() is None,
    reason="needs terraform and the AWS provider",
)
def test_the_recording_is_what_terraform_plans_today(ready: dict[str, Any], project: Path) -> None:
    def known(plan: dict[str, Any]) -> dict[str, Any]:
        return {one["address"]: (one["change"]["actions"], one["change"]["after"]) for one in plan["resource_changes"]}

    assert known(record_plan.record_plan(ready["env"], project)) == known(planning.load_recording())
