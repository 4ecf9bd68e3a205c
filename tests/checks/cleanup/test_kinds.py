"""Each kind of leftover against an AWS API: found, told whose it is, deleted in an order that works, or kept with a reason."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from support import ROOT
from support.cleanup import Account, resource_of
from support.deletion import OURS
from support.leftovers import CREATE
from support.network import create_network

from checks.cleanup.kinds import KINDS, KINDS_BY_ID, ec2_kind
from checks.cleanup.leftover_kind import LeftoverKind, ResourceInUse, RetryLater
from checks.cleanup.model import AwsResource, DeletionState, Ownership
from checks.cleanup.ownership import KnownResources, decide_ownership, read_keep_tag
from config.model import CleanupSettings

TAGS = {one["Key"]: one["Value"] for one in OURS}


def trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_load_balancers_are_deleted_before_their_target_groups_and_networks(account: Any) -> None:
    ours = create_network(account, "prod-sesacthon")
    ec2, elbv2, elb = account.client("ec2"), account.client("elbv2"), account.client("elb")
    other = ec2.create_subnet(VpcId=ours["vpc"], CidrBlock="10.0.2.0/24", AvailabilityZone="ap-northeast-2b",
                              TagSpecifications=account.tags("subnet"))["Subnet"]["SubnetId"]  # fmt: skip

    def balancer(name: str, tags: list[dict[str, str]]) -> str:
        made = elbv2.create_load_balancer(
            Name=name, Subnets=[ours["subnet"], other], SecurityGroups=[ours["security-group"]], Tags=tags
        )
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def targets(name: str, balancer: str, tags: list[dict[str, str]]) -> str:
        made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=ours["vpc"], Tags=tags)
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
                              DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])  # fmt: skip
        return arn

    mine, guarded, theirs = (
        balancer("prod-sesacthon", OURS),
        balancer("guarded", OURS),
        balancer("theirs", [{"Key": "a", "Value": "b"}]),
    )
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=guarded, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}]
    )
    group, shared = targets("prod-sesacthon", mine, OURS), targets("shared", theirs, OURS)
    elb.create_load_balancer(
        LoadBalancerName="prod-sesacthon-classic", Subnets=[ours["subnet"]], Tags=OURS,
        Listeners=[{"Protocol": "tcp", "LoadBalancerPort": 80, "InstancePort": 80}],
    )  # fmt: skip
    rows = account.rows()
    assert rows[f"load-balancer:{guarded}"].protected == "deletion protection is on"
    assert rows[f"target-group:{group}"].blocked_by == (f"load-balancer:{mine}",)
    assert rows[f"load-balancer:{mine}"].why.startswith("tagged Project=SeSACTHON")
    assert f"load-balancer:{mine}" in rows[f"subnet:{other}"].blocked_by
    assert (
        "classic-load-balancer:prod-sesacthon-classic"
        in rows[f"internet-gateway:{ours['internet-gateway']}"].blocked_by
    )
    outcome = account.delete(
        [
            f"load-balancer:{mine}",
            f"target-group:{group}",
            f"target-group:{shared}",
            "classic-load-balancer:prod-sesacthon-classic",
        ]
    )
    assert outcome.pop(f"target-group:{shared}") == (DeletionState.FAILED, "still used by load balancer theirs")
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}
    left = {one["LoadBalancerName"] for one in elbv2.describe_load_balancers()["LoadBalancers"]}
    assert left == {"guarded", "theirs"}
    assert elb.describe_load_balancers()["LoadBalancerDescriptions"] == []


@pytest.mark.parametrize("kind", ["log-group", "ssm-parameter"])
def test_a_kind_of_names_is_ours_by_tags_or_by_prefix_and_others_remain(account: Account, kind: str) -> None:
    logs, ssm = account.client("logs"), account.client("ssm")
    for name, tags in (
        ("/prod-sesacthon/api", {}),
        ("/ours", TAGS),
        ("/ours-not", {}),
        ("/theirs", {"Project": "Other"}),
    ):
        if kind == "log-group":
            logs.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
        else:
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            ssm.put_parameter(Name=name, Value="secret", Type="String", Tags=listed)
    rows = account.rows()
    assert {key: row.ownership for key, row in rows.items()} == {
        f"{kind}:/prod-sesacthon/api": Ownership.NAME_ONLY,
        f"{kind}:/ours": Ownership.TAGGED,
    }
    outcome = account.delete(list(rows))
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}, outcome
    names = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    names += [one["Name"] for one in ssm.describe_parameters()["Parameters"]]
    assert sorted(names) == ["/ours-not", "/theirs"]


def test_an_oidc_provider_that_a_role_trusts_is_not_deleted(account: Account) -> None:
    iam = account.client("iam")
    trusted, unused, _foreign = (
        iam.create_open_id_connect_provider(Url=f"https://{host}", ThumbprintList=["a" * 40], Tags=tags)[
            "OpenIDConnectProviderArn"
        ]
        for host, tags in (
            ("token.actions.example.com", OURS),
            ("oidc.example.com/id/1", OURS),
            ("foreign.example.com", []),
        )
    )
    iam.create_role(RoleName="deploy-of-somebody", AssumeRolePolicyDocument=trust({"Federated": trusted}))
    assert account.delete() == {
        f"oidc-provider:{trusted}": (DeletionState.FAILED, "still trusted by role deploy-of-somebody"),
        f"oidc-provider:{unused}": (DeletionState.GONE, "gone"),
    }
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 2


def test_controls_templates_and_placement_groups_of_others_remain(account: Account) -> None:
    cloudfront, ec2 = account.client("cloudfront"), account.client("ec2")
    for name, tags in (("prod-sesacthon-images", None), ("theirs", {})):
        config = {
            "Name": name,
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
        cloudfront.create_origin_access_control(OriginAccessControlConfig=config)
        ec2.create_placement_group(
            GroupName=name, Strategy="spread", TagSpecifications=account.tags("placement-group", tags=tags)
        )
        ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"InstanceType": "t3.micro"},
            TagSpecifications=account.tags("launch-template", tags=tags),
        )
    rows = account.rows()
    assert {(row.kind, row.name) for row in rows.values()} == {
        ("cloudfront-oac", "prod-sesacthon-images"),
        ("placement-group", "prod-sesacthon-images"),
        ("launch-template", "prod-sesacthon-images"),
    }
    outcome = account.delete(list(rows))
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}, outcome
    assert [one["GroupName"] for one in ec2.describe_placement_groups()["PlacementGroups"]] == ["theirs"]
    assert [one["LaunchTemplateName"] for one in ec2.describe_launch_templates()["LaunchTemplates"]] == ["theirs"]
    controls = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    assert [one["Name"] for one in controls] == ["theirs"]


def test_an_instance_is_deleted_before_the_volumes_that_remain(account: Any) -> None:
    ec2 = account.client("ec2")
    ours = create_network(account, "prod-sesacthon")

    def instance(name: str, tags: dict[str, str] | None = None) -> str:
        made = ec2.run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=ours["subnet"],
            SecurityGroupIds=[ours["security-group"]], TagSpecifications=account.tags("instance", name, tags),
        )  # fmt: skip
        return str(made["Instances"][0]["InstanceId"])

    mine, held = instance("node"), instance("held")
    ec2.modify_instance_attribute(InstanceId=held, DisableApiTermination={"Value": True})
    volumes = []
    for where in (mine, held):
        zone = ec2.describe_instances(InstanceIds=[where])["Reservations"][0]["Instances"][0]["Placement"][
            "AvailabilityZone"
        ]
        volume = ec2.create_volume(AvailabilityZone=zone, Size=8, TagSpecifications=account.tags("volume"))["VolumeId"]
        ec2.attach_volume(VolumeId=volume, InstanceId=where, Device="/dev/sdf")
        volumes.append(volume)
    rows = account.rows()
    assert rows[f"ec2-instance:{held}"].protected == "termination protection is on"
    assert not rows[f"ec2-instance:{held}"].deletable
    assert rows[f"volume:{volumes[0]}"].blocked_by == (f"ec2-instance:{mine}",)
    for kind in ("subnet", "security-group", "internet-gateway", "vpc"):
        assert f"ec2-instance:{mine}" in rows[f"{kind}:{ours[kind]}"].blocked_by
    outcome = account.delete([f"ec2-instance:{mine}", *(f"volume:{volume}" for volume in volumes)])
    assert outcome[f"ec2-instance:{mine}"][0] is DeletionState.GONE
    assert outcome[f"volume:{volumes[0]}"][0] is DeletionState.GONE
    assert outcome[f"volume:{volumes[1]}"] == (DeletionState.FAILED, f"still attached to {held}")


def test_a_network_interface_of_an_aws_service_is_never_deletable(
    account: Any,
) -> None:
    found = {
        "NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "RequesterManaged": True,
        "Description": "ELB app/x/1", "InterfaceType": "interface", "TagSet": OURS,
    }  # fmt: skip
    decision = decide_ownership(resource_of("network-interface", found), CleanupSettings(tags=TAGS), KnownResources())
    assert decision.protection_reason == "created by AWS for ELB app/x/1 and deleted with it"
    assert not decision.deletable
    found.update(RequesterManaged=False, InterfaceType="nat_gateway")
    assert not decide_ownership(
        resource_of("network-interface", found), CleanupSettings(tags=TAGS), KnownResources()
    ).deletable


class Asked:
    """Answers that stand for EC2 and its load balancers."""

    def __init__(self, interfaces: list[dict[str, Any]], balancers: tuple[str, ...] = ()) -> None:
        self.interfaces, self.balancers = interfaces, balancers

    def list_items(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return self.interfaces

    def client(self, service: str, region: str) -> Any:
        return self

    def describe_load_balancers(self, *, Names: tuple[str, ...] = (), LoadBalancerNames: tuple[str, ...] = ()) -> None:
        from botocore.exceptions import ClientError

        if not {*Names, *LoadBalancerNames} <= set(self.balancers):
            raise ClientError({"Error": {"Code": "LoadBalancerNotFound", "Message": "x"}}, "x")


@pytest.mark.parametrize(
    ("description", "balancers", "raised", "words"),
    [
        ("ELB app/web/50dc6c495c0c9188", (), RetryLater, "AWS is still removing network interface eni-1"),
        ("ELB classic", (), RetryLater, "AWS is still removing"),
        (
            "ELB app/web/50dc6c495c0c9188",
            ("web",),
            ResourceInUse,
            "still used by network interface eni-1 (ELB app/web",
        ),
        ("of somebody", (), ResourceInUse, "still used by network interface eni-1 (of somebody)"),
    ],
)
def test_interfaces_of_a_deleted_load_balancer_are_waited_for_and_others_are_named(
    description: str, balancers: tuple[str, ...], raised: type[Exception], words: str
) -> None:
    from botocore.exceptions import ClientError

    asked: Any = Asked([{"NetworkInterfaceId": "eni-1", "Description": description}], balancers)
    with pytest.raises(RetryLater) as caught, ec2_kind.explain_in_use_error(asked, "r", "subnet-id", "subnet-1"):
        raise ClientError({"Error": {"Code": "DependencyViolation", "Message": "x"}}, "DeleteSubnet")
    assert type(caught.value) is raised
    assert str(caught.value).startswith(words)


TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("value", "kept", "ended"),
    [
        ("forever", "kept by its tag ecotui:keep", ""),
        ("", "kept by its tag ecotui:keep", ""),
        ("2026-11-24", "kept until 2026-11-24 by its tag ecotui:keep", ""),
        ("2027-01-31T10:00:00+09:00", "kept until 2027-01-31 by its tag ecotui:keep", ""),
        ("2026-11-23", "", "its tag ecotui:keep ended on 2026-11-23"),
        ("31.1.2027", "kept by its tag ecotui:keep, whose date cannot be read: 31.1.2027", ""),
    ],
)
def test_a_keep_tag_protects_until_its_date_or_for_ever_with_an_unreadable_date(
    value: str, kept: str, ended: str
) -> None:
    assert read_keep_tag({"ecotui:keep": value}, CleanupSettings(), TODAY) == (kept, ended)


def test_an_expired_keep_tag_is_named_and_the_settings_may_rename_the_tag() -> None:
    def seen(**tags: str) -> AwsResource:
        return AwsResource(kind="vpc", id="vpc-1", name="x", tags={**TAGS, **tags})

    ended = decide_ownership(seen(**{"ecotui:keep": "2020-01-01"}), CleanupSettings(tags=TAGS), KnownResources())
    assert ended.deletable
    assert ended.reason.endswith("its tag ecotui:keep ended on 2020-01-01")
    assert not decide_ownership(
        seen(**{"ecotui:keep": "2999-01-01"}), CleanupSettings(tags=TAGS), KnownResources()
    ).deletable
    other = CleanupSettings(tags=TAGS, keep_tag="Keep")
    assert decide_ownership(seen(**{"ecotui:keep": "forever"}), other, KnownResources()).deletable
    assert not decide_ownership(seen(Keep="forever"), other, KnownResources()).deletable
    assert decide_ownership(
        seen(**{"": "forever"}), CleanupSettings(tags=TAGS, keep_tag=""), KnownResources()
    ).deletable


@pytest.mark.parametrize("key", ["ecotui:Keep", "Ecotui:keep", "ECOTUI:KEEP"])
def test_a_keep_tag_protects_in_capital_letters_too(key: str) -> None:
    assert read_keep_tag({key: "forever"}, CleanupSettings(), TODAY) == (f"kept by its tag {key}", "")
    assert read_keep_tag({key: "2026-11-23"}, CleanupSettings(), TODAY) == ("", f"its tag {key} ended on 2026-11-23")
    renamed = CleanupSettings(keep_tag=key)
    assert read_keep_tag({"ecotui:keep": "forever"}, renamed, TODAY) == ("kept by its tag ecotui:keep", "")


@pytest.mark.parametrize("value", ["forever", "2999-01-01", "next year"])
def test_of_two_keep_tags_the_one_that_protects_counts(value: str) -> None:
    for first, second in (("ecotui:keep", "ecotui:Keep"), ("ecotui:Keep", "ecotui:keep")):
        kept, ended = read_keep_tag({first: "2020-01-01", second: value}, CleanupSettings(), TODAY)
        assert kept
        assert second in kept
        assert ended == ""


def test_an_instance_of_an_auto_scaling_group_is_protected() -> None:
    made_by = [*OURS, {"Key": "aws:autoscaling:groupName", "Value": "workers"}]
    seen = resource_of("ec2-instance", {"InstanceId": "i-1", "State": {"Name": "running"}, "Tags": made_by})
    assert decide_ownership(seen, CleanupSettings(tags=TAGS), KnownResources()).protection_reason.startswith(
        "the Auto Scaling group workers"
    )


def test_a_volume_of_a_managed_instance_is_no_leftover() -> None:
    from checks.cleanup.scan import _exclude_parts_of_managed

    instance = AwsResource(kind="ec2-instance", id="i-1", name="n", tags=TAGS)
    disk = AwsResource(kind="volume", id="vol-1", name="d", tags=TAGS, parent_key=instance.key)
    known = KnownResources(state_ids=frozenset({("aws_instance", "i-1")}))
    found = {one.key: one for one in (disk, instance)}
    decisions = {
        disk.key: decide_ownership(disk, CleanupSettings(tags=TAGS), known, ("aws_ebs_volume",)),
        instance.key: decide_ownership(instance, CleanupSettings(tags=TAGS), known, ("aws_instance",)),
    }
    assert decisions[disk.key].preselected
    _exclude_parts_of_managed(found, decisions)
    assert decisions[disk.key].ownership is Ownership.IN_STATE
    assert not decisions[disk.key].deletable


def test_every_kind_has_a_name_and_terraform_types_of_its_own() -> None:
    assert len(KINDS_BY_ID) == len(KINDS)
    types = [one for kind in KINDS for one in kind.terraform_types]
    assert len(types) == len(set(types))
    assert all(kind.terraform_types for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_leftover_of_each_kind_is_listed_with_a_permission_of_the_policy_and_deleted(
    account: Account, kind: LeftoverKind
) -> None:
    policy = json.loads((ROOT / "docs" / "iam-policy.json").read_text(encoding="utf-8"))
    assert any(kind.list_permission in statement["Action"] for statement in policy["Statement"])
    CREATE[kind.id](account)
    rows = account.rows()
    keys = {key for key, row in rows.items() if row.kind == kind.id and row.deletable}
    assert keys
    assert {rows[key].action for key in keys} == {kind.action}
    outcome = account.delete([key for key, row in rows.items() if row.deletable])
    assert {outcome[key] for key in keys} == {(DeletionState.GONE, "gone")}
    assert not keys & account.rows().keys()
