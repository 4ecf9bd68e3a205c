"""The forecast measured: what it told of three projects, against the errors that terraform then really got.

Nothing missed, nothing false, in an account that is full of leftovers. The account is the demo's, on loopback: where moto
itself does not refuse what AWS refuses, `ecotui.demo.aws.name_conflicts` does (IAM names by case and path, Auto Scaling groups,
origin access controls, subnet groups, records of another value, Elastic IPs and VPCs beyond the quota).

What moto can neither refuse nor make, and which is measured by tests/checks/apply/forecast/test_forecast.py alone:

| | |
| --- | --- |
| placement groups | moto does not make them |
| secrets scheduled for deletion | the provider tries for minutes before it gives up |
| buckets just deleted | S3's OperationAborted: the demo's S3 gives the name back at once (told: test_forecast_just_deleted.py) |
| vCPUs of other families than Standard, spot | the demo's quotas know the Standard family alone |
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import DATA

from ecotui.demo import seed
from ecotui.demo.process import Demo, run_demo
from ecotui.demo.provider_mirror import find_mirror

# One worker for all: the account is shared.
pytestmark = [pytest.mark.real, pytest.mark.world, pytest.mark.xdist_group("forecast")]

PROJECTS = DATA / "terraform"
ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)
READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
LIMITS = {
    "L-1216C47A": "aws_instance",
    "L-0263D0A3": "aws_eip",
}
"""Quota to the type whose creation it stops."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    if not shutil.which("terraform") or not find_mirror():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("terraform with the AWS provider is not here")
    with run_demo(speed=200.0) as world:
        yield world


@pytest.fixture(scope="module", autouse=True)
def own_project(demo: Demo) -> Iterator[Future[Measured]]:
    """The demo's own project, measured beside the others: most of its half minute is a wait for a certificate."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(measure, demo, demo.project)


def client(demo: Demo, service: str, region: str = seed.REGION, **keys: str) -> Any:
    words = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "example", **keys}
    return boto3.client(service, endpoint_url=demo.env["AWS_ENDPOINT_URL"], region_name=region, **words)


@dataclass
class Measured:
    told: dict[str, Any]
    """The forecast, as `ecotui plan --json` prints it."""
    failed: dict[str, str]
    """Address to error, of the apply."""
    started: set[str]

    @property
    def collisions(self) -> set[str]:
        return {one["address"] for one in self.told["collisions"]}

    @property
    def short(self) -> set[str]:
        """Types of which more are planned than the account may have."""
        return {LIMITS[one["code"]] for one in self.told["quotas"] if one["state"] == "blocked"}

    def told_of(self, project: str) -> str:
        """What was compared, in a line."""
        short = sum(address.partition(".")[0] in self.short for address in self.failed)
        return (
            f"forecast of {project}: {len(self.collisions)} names told taken, {len(self.collisions & set(self.failed))}"
            f" of them refused, {len(self.collisions - self.started)} never tried, {short} beyond a quota told;"
            f" {len(self.failed)} errors of terraform, {len(self.missed)} missed, {len(self.false)} false;"
            f" {len(self.told['unknown'])} said to be unknowable"
        )

    @property
    def missed(self) -> dict[str, str]:
        return {
            address: error
            for address, error in self.failed.items()
            if address not in self.collisions and address.partition(".")[0] not in self.short
        }

    @property
    def false(self) -> set[str]:
        """Told, tried, and yet made."""
        return (self.collisions & self.started) - set(self.failed)


def environment(demo: Demo, project: Path, variables: dict[str, str]) -> dict[str, str]:
    """The operator's, with sessions of the project's own: two are measured at once."""
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "ECOTUI_STATE_DIR": str(project / "state")}
    return {**demo.env, **own, **variables}


def measure(demo: Demo, project: Path, **variables: str) -> Measured:
    """Plan, forecast, and apply in spite of all of it. The state is thrown away before."""
    env = environment(demo, project, variables)

    def ecotui(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ecotui", *words],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
        )

    planned = ecotui("plan", "--json")
    assert planned.returncode in (0, 3, 4), planned.stdout + planned.stderr
    assert planned.stdout, planned.stderr
    told = json.loads(planned.stdout)
    ids = [f"collision:{one['address']}" for one in told["collisions"]]
    ids += [f"quota:{one['code']}" for one in told["quotas"] if one["state"] == "blocked"]
    overrides = [word for id_ in dict.fromkeys(ids) for word in ("--override", f"{id_}=to measure")]
    applied = ecotui("apply", "--yes", *overrides)
    assert applied.returncode == 1, applied.stdout + applied.stderr
    logs = list((project / "state").rglob("output.log"))
    assert len(logs) == 1, applied.stdout + applied.stderr
    (log,) = logs
    failed: dict[str, str] = {}
    started = set()
    for line in log.read_text().splitlines():
        said = json.loads(line)
        if said["type"] == "apply_start" and said["hook"]["action"] == "create":
            started.add(said["hook"]["resource"]["addr"])
        if said["type"] == "diagnostic" and said["diagnostic"]["severity"] == "error":
            failed[said["diagnostic"].get("address", "")] = said["diagnostic"]["summary"]
    return Measured(told, failed, started)


def adopted(demo: Demo, project: Path, *addresses: str, **variables: str) -> dict[str, Any]:
    """The forecast after these were adopted; the blocks are taken away again."""
    env = environment(demo, project, variables)
    run = [sys.executable, "-m", "ecotui"]
    for words in (["adopt", "--write", *addresses], ["plan", "--json"], ["adopt", "--undo"]):
        done = subprocess.run(
            [*run, *words], cwd=project, env=env, capture_output=True, text=True, timeout=150, check=False
        )
        if words[0] == "plan":
            told: dict[str, Any] = json.loads(done.stdout)
        else:
            assert done.returncode == 0, done.stderr
    return told


def project_of(folder: Path, name: str) -> Path:
    shutil.copytree(PROJECTS / name, folder / "terraform")
    (folder / "ecotui.yaml").write_text(f"project: {name}\nquota: {{limits: []}}\n")
    return folder


Record = Callable[[str, object], None]


def test_names_in_modules_under_for_each_and_count(demo: Demo, tmp_path: Path, record_property: Record) -> None:
    iam, ssm = client(demo, "iam"), client(demo, "ssm")
    iam.create_role(RoleName="teams-deployer", AssumeRolePolicyDocument=ASSUME)
    policy = iam.create_policy(PolicyName="teams-read", PolicyDocument=READ)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="teams-deployer", PolicyArn=policy)
    iam.create_user(UserName="teams-robot-1")
    iam.create_group(GroupName="Teams-People")
    iam.create_open_id_connect_provider(Url="https://token.actions.example.com", ThumbprintList=["a" * 40])
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    client(demo, "ecr").create_repository(repositoryName="teams/web")
    client(demo, "logs").create_log_group(logGroupName="/teams/api")
    ssm.put_parameter(Name="/teams/web/url", Value="old", Type="String")
    client(demo, "sqs").create_queue(QueueName="teams-jobs", Attributes={"VisibilityTimeout": "30"})
    client(demo, "secretsmanager").create_secret(Name="teams/token", SecretString="x")
    kms = client(demo, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/teams", TargetKeyId=key)
    client(demo, "dynamodb").create_table(
        TableName="teams-sessions",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    client(demo, "kinesis").create_stream(StreamName="teams-events", ShardCount=1)

    seen = measure(demo, project_of(tmp_path, "teams"), TF_VAR_alias_key=key)
    record_property("measured", seen.told_of("modules, for_each and count"))
    assert seen.missed == {}
    assert seen.false == set()
    assert (
        seen.collisions
        == set(seen.failed)
        == {
            'aws_dynamodb_table.sessions["there"]',
            "aws_iam_group.people",
            "aws_iam_openid_connect_provider.actions",
            "aws_iam_policy.path",
            "aws_iam_role.case",
            "aws_iam_service_linked_role.scaling",
            "aws_iam_user.robot[1]",
            "aws_kinesis_stream.events",
            "aws_kms_alias.main",
            "aws_secretsmanager_secret.token",
            "aws_sqs_queue.jobs",
            'module.team["api"].aws_cloudwatch_log_group.this',
            'module.team["web"].aws_ecr_repository.this',
            'module.team["web"].aws_ssm_parameter.this["url"]',
        }
    )
    # What nobody can know is said, each by its address, and nothing else is left open.
    assert {one["address"] for one in seen.told["unknown"]} == {
        "aws_ssm_parameter.late[0]",
        "aws_ssm_parameter.late[1]",
    }
    # Three of them are adopted: the next plan imports them, and the forecast no longer names them. One of them it would
    # replace, for its path, and cannot: it is attached to what the plan does not know.
    three = (
        "aws_iam_group.people",
        "aws_iam_policy.path",
        'module.team["api"].aws_cloudwatch_log_group.this',
    )
    again = adopted(demo, tmp_path, *three, TF_VAR_alias_key=key)
    assert {one["address"] for one in again["collisions"]} == seen.collisions - set(three)
    assert [one["address"] for one in again["kept"]] == ["aws_iam_policy.path"]
    assert "attached to the role teams-deployer" in again["kept"][0]["why"]
    places = {one["address"]: one["place"] for one in seen.told["collisions"]}
    assert places['module.team["web"].aws_ecr_repository.this'] == "team/main.tf:6"


def test_names_and_quotas_at_the_edge_of_a_cluster(demo: Demo, tmp_path: Path, record_property: Record) -> None:
    west = "us-west-2"
    ec2, elb = client(demo, "ec2", west), client(demo, "elbv2", west)
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{place}.0/24", AvailabilityZone=f"{west}{zone}")["Subnet"][
            "SubnetId"
        ]
        for place, zone in enumerate("ab")
    ]
    ec2.create_security_group(GroupName="edge-lb", Description="old", VpcId=vpc)
    for _ in range(4):
        ec2.allocate_address(Domain="vpc")
    ec2.create_key_pair(KeyName="edge-operator")
    template = {"ImageId": "ami-1", "InstanceType": "t3.micro"}
    for name in ("edge-node", "edge-old"):
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=template)
    elb.create_load_balancer(Name="edge", Subnets=subnets)
    elb.create_target_group(Name="edge-1", Protocol="HTTP", Port=80, VpcId=vpc)
    client(demo, "autoscaling", west).create_auto_scaling_group(
        AutoScalingGroupName="edge-nodes",
        LaunchTemplate={"LaunchTemplateName": "edge-old"},
        MinSize=0,
        MaxSize=0,
        AvailabilityZones=[f"{west}a"],
    )
    route53 = client(demo, "route53")
    zone = route53.create_hosted_zone(Name="edge.example", CallerReference="edge")["HostedZone"]["Id"]
    for name in ("edge.example", "www.edge.example", "*.wild.edge.example"):
        record = {"Name": name, "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        change = {"Action": "CREATE", "ResourceRecordSet": record}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    west_bucket = {"CreateBucketConfiguration": {"LocationConstraint": west}}
    client(demo, "s3", west).create_bucket(Bucket="edge-our-bucket", **west_bucket)
    other = client(demo, "sts").assume_role(RoleArn="arn:aws:iam::222222222222:role/other", RoleSessionName="other")[
        "Credentials"
    ]
    theirs = client(
        demo,
        "s3",
        west,
        aws_access_key_id=other["AccessKeyId"],
        aws_secret_access_key=other["SecretAccessKey"],
        aws_session_token=other["SessionToken"],
    )
    theirs.create_bucket(Bucket="edge-somebody-elses-bucket", **west_bucket)
    cloudfront = client(demo, "cloudfront")
    control = {"SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
    cloudfront.create_origin_access_control(OriginAccessControlConfig={"Name": "edge", **control})
    cloudfront.create_function(
        Name="edge-rewrite",
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.request }",
    )
    client(demo, "rds", west).create_db_subnet_group(
        DBSubnetGroupName="edge", DBSubnetGroupDescription="old", SubnetIds=subnets
    )

    seen = measure(
        demo,
        project_of(tmp_path, "edge"),
        TF_VAR_vpc=vpc,
        TF_VAR_subnets=json.dumps(subnets),
    )
    record_property("measured", seen.told_of("the edge of a cluster"))
    assert seen.missed == {}
    assert seen.false == set()
    assert seen.collisions == {
        "aws_autoscaling_group.node",
        "aws_cloudfront_function.rewrite",
        "aws_cloudfront_origin_access_control.main",
        "aws_cloudwatch_log_group.second",
        "aws_db_subnet_group.main",
        'aws_key_pair.operator["here"]',
        "aws_launch_template.node",
        "aws_lb.main",
        "aws_lb_target_group.main[1]",
        "aws_route53_record.apex",
        'aws_route53_record.web["*.wild"]',
        'aws_route53_record.web["www"]',
        "aws_s3_bucket.ours",
        "aws_s3_bucket.theirs",
        'aws_security_group.lb["edge-lb"]',
    }
    assert seen.short == {"aws_instance", "aws_eip"}
    (addresses,) = (one for one in seen.told["quotas"] if one["code"] == "L-0263D0A3")
    assert (addresses["limit"], addresses["used"], addresses["needed"]) == (5.0, 4.0, 3.0)
    assert sum(address.startswith("aws_eip.entry") for address in seen.failed) == 2
    (bucket,) = (one for one in seen.told["collisions"] if one["address"] == "aws_s3_bucket.theirs")
    assert bucket["ways_out"] == ["rename", "stop"]
    assert seen.told["unknown"] == []


def test_the_demo_s_own_project(own_project: Future[Measured], record_property: Record) -> None:
    seen = own_project.result(timeout=150)
    record_property("measured", seen.told_of("the demo's own project"))
    assert seen.missed == {}
    assert seen.false == set()
    assert seen.collisions == {
        "aws_cloudfront_distribution.images",
        "aws_iam_policy.alb_controller",
        "aws_iam_policy.s3_presigned_url",
        "aws_iam_role.k8s_node",
        "aws_key_pair.k8s",
        "aws_s3_bucket.images",
        *{one["address"] for one in seen.told["collisions"] if one["type"] == "aws_iam_instance_profile"},
    }
    assert "aws_instance" in seen.short
