"""An account in moto, in this process, whose answers go wrong at random, and a process that dies at a drawn call.

The faults stand between botocore and moto, after botocore's own retries: what a kind meets is what is left of them.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from checks.cleanup.approval import Approval
from checks.cleanup.deletion import Deletion
from checks.cleanup.model import DeletionState
from checks.cleanup.ownership import KnownResources
from checks.context import CheckContext
from config.model import AwsSettings, CleanupSettings, Settings
from support.cleanup import OURS, InstantClock, list_no_identities
from support.deletion import DOCUMENT, TRUST
from support.random_accounts import ProcessKilled

REGION = "ap-northeast-2"
PASSING = (
    (400, "Throttling"),
    (400, "RequestLimitExceeded"),
    (503, "ServiceUnavailable"),
    (503, "SlowDown"),
    (500, "InternalError"),
)
MOST = 3
"""Faults that one operation meets in a run."""
READS = ("Describe", "Get", "List", "Head")


@dataclass
class CallFaults:
    """What the calls of one run meet. Quiet unless told otherwise."""

    chance: random.Random = field(default_factory=random.Random)
    faults: float = 0.0
    denied: str = ""
    """An operation that is never allowed."""
    kill_at: int = 0
    calls: int = 0
    changes: list[str] = field(default_factory=list)
    """Operations that changed something, as they were made."""
    _met: Counter[str] = field(default_factory=Counter)
    _dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, *, faults: float = 0.0, kill_at: int = 0, denied: str = "") -> None:
        self.faults, self.kill_at, self.denied = faults, kill_at, denied
        self.calls, self._dead = 0, False
        self._met.clear()

    def before(self, model: Any, **_: Any) -> Any:
        with self._lock:
            self.calls += 1
            if self._dead or (self.kill_at == self.calls and self.chance.random() < 0.5):
                self._dead = True
                raise ProcessKilled
            if model.name == self.denied:
                return _answer(403, "AccessDenied")
            if self.chance.random() < self.faults and self._met[model.name] < MOST:
                self._met[model.name] += 1
                return _answer(*self.chance.choice(PASSING))
            if not model.name.startswith(READS):
                self.changes.append(model.name)
            return None

    def after(self, **_: Any) -> None:
        """The process may also die when its call has taken effect, and nobody has read the answer."""
        with self._lock:
            if self.kill_at and self.calls >= self.kill_at:
                self._dead = True
            if self._dead:
                raise ProcessKilled


def _answer(status: int, code: str) -> Any:
    from botocore.awsrequest import AWSResponse

    error = {"Code": code, "Message": f"{code}: not now."}
    parsed = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "x"}}
    return AWSResponse("", status, {}, None), parsed


@dataclass
class FaultyAccount:
    """The account, the call_faults over it, and a deletion in it."""

    context: CheckContext
    call_faults: CallFaults

    def client(self, service: str) -> Any:
        return self.context.aws.client(service)

    def run(self, approval: Approval) -> dict[str, tuple[DeletionState, str]]:
        run = Deletion(
            self.context.aws,
            approval,
            self.context.settings.cleanup,
            KnownResources(),
            lambda _: None,
            clock=InstantClock(),
        )
        return dict(run.run())


@pytest.fixture(scope="module")
def faulty_context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyAccount]:
    from moto import mock_aws

    from ecotui.demo.aws import ec2 as aws_ec2
    from ecotui.demo.aws import s3 as buckets

    aws_ec2.install_placement_groups()
    buckets.install_s3()
    home = tmp_path_factory.mktemp("faulty")
    (home / "terraform").mkdir()
    selectors = CleanupSettings(prefixes=("prod-eco",), tags=OURS, protect=("*-keep",), poll=5.0, wait=36_000.0)
    env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
    settings = Settings(aws=AwsSettings(region=REGION), cleanup=selectors)
    with mock_aws():
        context, call_faults = CheckContext(settings=settings, project=Path(home), env=env), CallFaults()
        session: Any = context.aws._open_session()
        session._session._session.register("before-call", call_faults.before)
        session._session._session.register("after-call", call_faults.after)
        context.aws.client("cloudfront").meta.events.register(
            "before-call.cloudfront.ListCloudFrontOriginAccessIdentities", list_no_identities
        )
        yield FaultyAccount(context, call_faults)


@pytest.fixture
def faulty(faulty_context: FaultyAccount, monkeypatch: pytest.MonkeyPatch) -> FaultyAccount:
    """Empty, quiet, and with a terraform state that manages nothing."""
    from moto.moto_api._internal import moto_api_backend

    moto_api_backend.reset()
    faulty_context.call_faults.begin()
    faulty_context.call_faults.changes.clear()
    monkeypatch.setattr("checks.tools.terraform.read_state_resources", lambda context: ())
    return faulty_context


def fill(client: Callable[[str], Any], chance: random.Random) -> tuple[set[str], set[str]]:
    """A mixed account: the keys of what is ours and may go, and those of everything that must stay.

    Each kind stands there as ours, as somebody else's (other tags, or none), and as ours but kept by a tag or a pattern.
    """
    ours: set[str] = set()
    theirs: set[str] = set()
    kept_tags = {**OURS, "ecotui:keep": "2999-01-01"}

    def whose(number: int) -> tuple[str, dict[str, str], set[str]]:
        match chance.randrange(5) if number else 0:
            case 0 | 1:
                return f"prod-eco-{number}", OURS, ours
            case 2:
                return f"theirs-{number}", {"Project": "Analytics"} if number % 2 else {}, theirs
            case 3:
                return f"prod-eco-{number}", kept_tags, theirs
            case _:
                return f"prod-eco-{number}-keep", OURS, theirs

    for number in range(3):
        name, tags, side = whose(number)
        _network(client, number, name, tags, side, chance)
        name, tags, side = whose(number)
        _identity(client, name, tags, side, chance)
        name, tags, side = whose(number)
        _bucket(client, name, tags, side, chance)
        name, tags, side = whose(number)
        _small(client, name, tags, side)
    return ours, theirs


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _network(
    client: Callable[[str], Any],
    number: int,
    name: str,
    tags: dict[str, str],
    side: set[str],
    chance: random.Random,
) -> None:
    ec2 = client("ec2")

    def spec(what: str) -> list[dict[str, Any]]:
        return [{"ResourceType": what, "Tags": _listed({"Name": name, **tags})}]

    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16", TagSpecifications=spec("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.1.0/24", TagSpecifications=spec("subnet"))["Subnet"]["SubnetId"]  # fmt: skip
    side |= {f"vpc:{vpc}", f"subnet:{subnet}"}
    groups = [
        ec2.create_security_group(GroupName=f"{name}-{letter}", Description="x", VpcId=vpc, TagSpecifications=spec("security-group"))["GroupId"]
        for letter in ("a-keep", "b-keep")
        if name.endswith("-keep")
    ] or [
        ec2.create_security_group(GroupName=f"{name}-{letter}", Description="x", VpcId=vpc, TagSpecifications=spec("security-group"))["GroupId"]
        for letter in "ab"
    ]  # fmt: skip
    for one, other in (groups, groups[::-1]):  # rules that refer to each other
        ec2.authorize_security_group_ingress(
            GroupId=one,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": other}]}],
        )
    side |= {f"security-group:{group}" for group in groups}
    if chance.random() < 0.7:
        gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway"))["InternetGateway"]["InternetGatewayId"]  # fmt: skip
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        side.add(f"internet-gateway:{gateway}")
    if chance.random() < 0.7:
        interface = ec2.create_network_interface(SubnetId=subnet, Groups=groups[:1], TagSpecifications=spec("network-interface"))  # fmt: skip
        side.add(f"network-interface:{interface['NetworkInterface']['NetworkInterfaceId']}")
    if chance.random() < 0.7:
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=spec("route-table"))["RouteTable"]["RouteTableId"]  # fmt: skip
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        side.add(f"route-table:{table}")


def _identity(
    client: Callable[[str], Any], name: str, tags: dict[str, str], side: set[str], chance: random.Random
) -> None:
    iam = client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=_listed(tags))
    policy = iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT, Tags=_listed(tags))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    for _ in range(chance.randrange(3)):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=DOCUMENT, SetAsDefault=True)
    # moto knows no ListInstanceProfileTags, which is asked for one without tags.
    iam.create_instance_profile(InstanceProfileName=name, Tags=_listed(tags or {"Project": "Analytics"}))
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    side |= {f"iam-role:{name}", f"iam-policy:{policy}", f"instance-profile:{name}"}


def _bucket(
    client: Callable[[str], Any], name: str, tags: dict[str, str], side: set[str], chance: random.Random
) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": _listed(tags)})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for number in range(chance.randrange(1, 5)):
        s3.put_object(Bucket=name, Key=f"k{number}", Body=b"1")
        s3.delete_object(Bucket=name, Key=f"k{number}")
    s3.create_multipart_upload(Bucket=name, Key="half")
    side.add(f"s3-bucket:{name}")


def _small(client: Callable[[str], Any], name: str, tags: dict[str, str], side: set[str]) -> None:
    ec2, logs = client("ec2"), client("logs")
    volume = ec2.create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": _listed({"Name": name, **tags})}],
    )
    side.add(f"volume:{volume['VolumeId']}")
    logs.create_log_group(logGroupName=name, tags=tags)
    side.add(f"log-group:{name}")
