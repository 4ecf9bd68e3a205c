"""Why a resource is still being created: its live state in AWS, denied, gone and unknowable."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.dns import FakeDns

from checks.apply.durations import TypicalDuration
from checks.apply.run.why.check import explain_running
from checks.apply.run.why.model import RunningResource
from checks.context import CheckContext
from checks.finding import CheckState, Finding
from config import model
from config.model import Settings

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


@pytest.fixture
def dns() -> Iterator[FakeDns]:
    made = FakeDns()
    yield made
    made.close()


class ScriptedAws:
    """AWS as a test wants it: operation to its answer; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def can_paginate(self, operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Any:
        if operation.startswith("_"):
            raise AttributeError(operation)

        def answer(**given: Any) -> Any:
            self.asked.append(operation)
            found = self.answers.get(operation, {})
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def explain(
    monkeypatch: pytest.MonkeyPatch, running: RunningResource, dns: FakeDns | None = None, **answers: Any
) -> Finding:
    fake = ScriptedAws(**answers)
    monkeypatch.setattr("checks.aws.session.AwsSession.client", lambda self, service, region=None: fake)
    env = {"ECOTUI_DNS": f"{dns.address[0]}:{dns.address[1]}"} if dns else {}
    return explain_running(
        CheckContext(settings=Settings(aws=model.AwsSettings(region="ap-northeast-2")), project=Path("/"), env=env),
        running,
    )


def facts(finding: Finding) -> dict[str, str]:
    return {fact.label: fact.value for fact in finding.facts}


def now(seconds: float = 0.0) -> datetime:
    return datetime.fromtimestamp(time.time() - seconds, UTC)


def running(address: str, elapsed: float = 40.0, **more: Any) -> RunningResource:
    return RunningResource(address=address, started_at=time.time() - elapsed, elapsed=elapsed, **more)


def test_the_status_of_an_instance_has_its_state_its_checks_and_its_typical_time(aws_env: dict[str, str]) -> None:
    context = CheckContext(settings=Settings(), project=Path("/"), env=aws_env)
    ec2 = boto3.client(
        "ec2",
        region_name="ap-northeast-2",
        endpoint_url=aws_env["AWS_ENDPOINT_URL"],
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
    )
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "k8s-master"}]}]
    made = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3a.large", TagSpecifications=tags
    )
    asked = running(
        "aws_instance.node", typical=TypicalDuration(seconds=25.0), planned_attributes={"tags.Name": "k8s-master"}
    )
    seen = explain_running(context, asked)
    assert made["Instances"][0]["InstanceId"] in seen.summary
    assert seen.state is CheckState.OK
    assert facts(seen)["state"] == "running"
    assert facts(seen)["instance check"] == "ok"
    assert facts(seen)["usually"] == "25 s (estimate)"
    # One of another name, and one that this run has made already, are not taken for it.
    other = running("aws_instance.node", planned_attributes={"tags.Name": "k8s-api"})
    assert "no instance named k8s-api" in explain_running(context, other).summary
    taken = running(
        "aws_instance.node",
        planned_attributes={"tags.Name": "k8s-master"},
        created_ids={"aws_instance.a": made["Instances"][0]["InstanceId"]},
    )
    assert "no instance" in explain_running(context, taken).summary


def an_instance(state: str, reason: str = "") -> dict[str, Any]:
    one = {
        "InstanceId": "i-1",
        "State": {"Name": state},
        "LaunchTime": now(),
        "StateReason": {"Message": reason},
    }
    return {"Reservations": [{"Instances": [one]}]}


def test_an_instance_that_terminates_has_aws_s_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "Server.InternalError: volume limit\x1b[2J"
    seen = explain(monkeypatch, running("aws_instance.a"), describe_instances=an_instance("terminated", reason))
    assert seen.state is CheckState.BLOCKED
    assert "Server.InternalError: volume limit" in seen.summary
    assert "\x1b" not in seen.summary


def test_an_impaired_check_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {"SystemStatus": {"Status": "ok"}, "InstanceStatus": {"Status": "impaired"}}
    seen = explain(
        monkeypatch,
        running("aws_instance.a"),
        describe_instances=an_instance("running"),
        describe_instance_status={"InstanceStatuses": [checks]},
    )
    assert (seen.state, "impaired" in seen.summary) == (CheckState.WARN, True)


def test_a_denied_status_check_names_the_iam_action(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    message = "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:DescribeNatGateways"
    error = ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": message}}, "DescribeNatGateways")
    seen = explain(monkeypatch, running("aws_nat_gateway.main"), describe_nat_gateways=error)
    assert seen.state is CheckState.UNKNOWN
    assert seen.denied == ("ec2:DescribeNatGateways",)


@pytest.mark.parametrize(
    ("state", "more", "expected", "words"),
    [
        ("pending", {}, CheckState.OK, "is pending"),
        ("available", {}, CheckState.OK, "notices"),
        (
            "failed",
            {"FailureCode": "InvalidAllocationID.NotFound", "FailureMessage": "Elastic IP gone"},
            CheckState.BLOCKED,
            "Elastic IP gone",
        ),
    ],
)
def test_the_status_of_a_nat_gateway_follows_its_state(
    monkeypatch: pytest.MonkeyPatch, state: str, more: dict[str, str], expected: CheckState, words: str
) -> None:
    gateway = {"NatGatewayId": "nat-1", "State": state, "CreateTime": now(), **more}
    old = {"NatGatewayId": "nat-0", "State": "failed", "CreateTime": now(9_000)}
    answer = {"NatGateways": [old, gateway]}
    seen = explain(monkeypatch, running("aws_nat_gateway.main"), describe_nat_gateways=answer)
    assert (seen.state, words in seen.summary) == (expected, True)


def test_a_load_balancer_is_found_by_its_planned_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def balancer(name: str, code: str, reason: str = "") -> dict[str, Any]:
        return {"LoadBalancerName": name, "State": {"Code": code, "Reason": reason}, "CreatedTime": now()}

    answer = {"LoadBalancers": [balancer("other", "failed"), balancer("api", "provisioning")]}
    seen = explain(
        monkeypatch, running("aws_lb.api", planned_attributes={"name": "api"}), describe_load_balancers=answer
    )
    assert (seen.state, "api is provisioning" in seen.summary) == (CheckState.OK, True)
    answer = {"LoadBalancers": [balancer("api", "failed", "no free addresses")]}
    seen = explain(
        monkeypatch, running("aws_lb.api", planned_attributes={"name": "api"}), describe_load_balancers=answer
    )
    assert (seen.state, "no free addresses" in seen.summary) == (CheckState.BLOCKED, True)


@pytest.mark.parametrize(("minutes", "state"), [(6, CheckState.OK), (40, CheckState.WARN)])
def test_a_distribution_is_late_after_its_usual_time(
    monkeypatch: pytest.MonkeyPatch, minutes: int, state: CheckState
) -> None:
    item = {
        "Id": "E1",
        "Status": "InProgress",
        "Enabled": True,
        "Aliases": {"Items": ["cdn.eco2.example"]},
        "LastModifiedTime": now(minutes * 60),
    }
    asked = running("aws_cloudfront_distribution.cdn", planned_attributes={"aliases": '["cdn.eco2.example"]'})
    seen = explain(monkeypatch, asked, list_distributions={"DistributionList": {"Items": [item]}})
    assert seen.state is state
    assert f"InProgress for {minutes} min" in seen.summary
    assert seen.guide == ("6.1",)


NAME, VALUE = "_a.cdn.eco2.example.", "_b.acm-validations.aws."


def validation(
    monkeypatch: pytest.MonkeyPatch, dns: FakeDns | None, *, zones: int = 1, held: str = VALUE, **more: Any
) -> Finding:
    option = {
        "ValidationStatus": "PENDING_VALIDATION",
        "ResourceRecord": {"Name": NAME, "Type": "CNAME", "Value": VALUE},
    }
    described = {
        "DomainName": "cdn.eco2.example",
        "Status": "PENDING_VALIDATION",
        "DomainValidationOptions": [option],
        **more,
    }
    record = {"Name": NAME, "Type": "CNAME", "ResourceRecords": [{"Value": held}]}
    zone = {"Id": "Z1", "Name": "eco2.example."}
    asked = running(
        "aws_acm_certificate_validation.cdn",
        dependencies=("aws_acm_certificate.cdn",),
        created_ids={"aws_acm_certificate.cdn": CERTIFICATE},
    )
    return explain(
        monkeypatch,
        asked,
        dns,
        describe_certificate={"Certificate": described},
        list_hosted_zones={"HostedZones": [zone, {"Id": "Z2", "Name": "example.org."}][: 2 * zones]},
        list_resource_record_sets={"ResourceRecordSets": [record] if held else []},
        get_hosted_zone={"DelegationSet": {"NameServers": ["ns-1.awsdns.com"]}},
    )


def test_a_certificate_whose_zone_is_not_delegated_is_blocked(monkeypatch: pytest.MonkeyPatch, dns: FakeDns) -> None:
    dns.records["eco2.example", "NS"] = ["ns.registrar.example"]
    seen = validation(monkeypatch, dns)
    assert seen.state is CheckState.BLOCKED
    assert "nobody asks there" in seen.summary
    assert facts(seen)["delegation"] == "the DNS names ns.registrar.example, the zone is on ns-1.awsdns.com"


def test_a_certificate_with_its_record_in_a_delegated_zone_is_ok(monkeypatch: pytest.MonkeyPatch, dns: FakeDns) -> None:
    dns.records["eco2.example", "NS"] = ["ns-1.awsdns.com"]
    dns.records[NAME.rstrip("."), "CNAME"] = [VALUE.rstrip(".")]
    seen = validation(monkeypatch, dns)
    assert (seen.state, facts(seen)["public DNS"]) == (CheckState.OK, "it is there")


def test_a_certificate_without_its_record_is_reported(monkeypatch: pytest.MonkeyPatch, dns: FakeDns) -> None:
    seen = validation(monkeypatch, dns, held="")
    assert (seen.state, "not in the zone eco2.example" in seen.summary) == (CheckState.WARN, True)
    seen = validation(monkeypatch, dns, held="_old.acm-validations.aws.")
    assert (seen.state, "another value" in seen.summary) == (CheckState.BLOCKED, True)


def test_a_certificate_of_a_domain_without_a_zone_here_is_reported(
    monkeypatch: pytest.MonkeyPatch, dns: FakeDns
) -> None:
    seen = validation(monkeypatch, dns, zones=0)
    assert (seen.state, "No hosted zone" in seen.summary) == (CheckState.WARN, True)


def test_a_dns_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch, dns: FakeDns) -> None:
    dns.garbage = b"x"
    assert validation(monkeypatch, dns).state is CheckState.UNKNOWN


def test_a_failed_certificate_has_its_reason(monkeypatch: pytest.MonkeyPatch, dns: FakeDns) -> None:
    seen = validation(monkeypatch, dns, Status="FAILED", FailureReason="CAA_ERROR")
    assert (seen.state, "CAA_ERROR" in seen.summary) == (CheckState.BLOCKED, True)


def test_a_type_without_a_check_is_unknown_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("aws_iam_role.a", "aws_route53_record.a", "null_resource.x", "odd"):
        seen = explain(monkeypatch, running(address, note="still at it"))
        assert seen.state is CheckState.UNKNOWN
        assert facts(seen)["its provisioner"] == "still at it"


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_reports_what_is_done_what_was_not_begun_and_what_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ecotui.cli import main
    from ecotui.session.store import SessionStore

    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    project = tmp_path / "eco2"
    project.mkdir()
    monkeypatch.chdir(project)

    def asked(*words: str) -> dict[str, Any]:
        main(["why", "--json", *words])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document["schema"] == "ecotui.why/1"
        found: dict[str, Any] = document["finding"]
        return found

    assert asked("aws_vpc.a")["summary"] == "No apply of this project is on record."
    folder = SessionStore(tmp_path / "state").create(project="eco2", folder=project).commands_folder / "apply-1"
    folder.mkdir(parents=True)
    argv = ["terraform", "apply", "-json", str(tmp_path / "plan.tfplan")]
    (folder / "command.json").write_text(json.dumps({"step": "apply", "title": "", "argv": argv, "started": 1.0}))
    hook = {"resource": {"addr": "aws_vpc.a"}, "action": "create", "elapsed_seconds": 12}
    (folder / "output.log").write_text(json.dumps({"type": "apply_complete", "hook": hook}) + "\n")
    assert asked("aws_vpc.a")["summary"] == "It is done: create took 12 s."
    assert asked("aws_vpc.b")["summary"] == "No apply runs now."
    monkeypatch.setattr(
        "ecotui.history.current_apply.read_command_status", lambda _: type("S", (), {"state": "running"})
    )
    assert asked("aws_vpc.b")["summary"] == "The apply that runs knows no such address."
    assert asked()["summary"] == "Nothing is being worked on at this moment."
    with (folder / "output.log").open("a") as log:
        log.write(json.dumps({"type": "apply_start", "hook": {**hook, "resource": {"addr": "aws_iam_role.r"}}}) + "\n")
    assert asked()["title"] == "aws_iam_role.r"
    assert "cannot be known from outside" in asked()["summary"]
