"""Groups, subnets and gateways that a plan destroys while something uses them: AWS refuses, a quarter of an hour later."""

from __future__ import annotations

from typing import Any

import pytest
from support.forecast import ScriptedAccount, destroyed, forecast_for, planned, refusal

from checks.apply.forecast.model import Forecast
from checks.apply.plan.model import PlannedChange

GROUP = destroyed("aws_security_group", id="sg-1", name="nodes")
SUBNET = planned("aws_subnet", actions=("delete",), before={"id": "subnet-1"})


def interface(description: str = "", *, instance: str = "", id: str = "eni-1", **more: Any) -> dict[str, Any]:
    attached = {"Attachment": {"InstanceId": instance}} if instance else {}
    found = {"NetworkInterfaceId": id, "Description": description, "SubnetId": "subnet-1", "Groups": [{"GroupId": "sg-1"}]}  # fmt: skip
    return {**found, **attached, **more}


def forecast_with(
    one: PlannedChange, *others: PlannedChange, interfaces: list[dict[str, Any]], **answers: Any
) -> Forecast:
    account = ScriptedAccount(
        describe_network_interfaces={"NetworkInterfaces": interfaces},
        **{"describe_load_balancers": {"LoadBalancers": [{}]}, **answers},
    )
    return forecast_for(account, one, *others)


def also_destroyed(type_: str, **before: Any) -> PlannedChange:
    return planned(type_, "other", actions=("delete",), before=before)


OWNERS = [
    (interface(instance="i-1"), also_destroyed("aws_instance", id="i-1"), "the instance i-1"),
    (interface(instance="i-1"), also_destroyed("aws_spot_instance_request", spot_instance_id="i-1"), "the instance i-1"),
    (interface("ELB app/web/0123"), also_destroyed("aws_lb", arn_suffix="app/web/0123"), "the load balancer web"),
    (interface("ELB net/web/0123"), also_destroyed("aws_alb", arn="arn:aws:x:loadbalancer/net/web/0123"), "the load balancer web"),
    (interface("ELB old"), also_destroyed("aws_elb", name="old"), "the load balancer old"),
    (interface("Interface for NAT Gateway nat-0a"), also_destroyed("aws_nat_gateway", id="nat-0a"), "the NAT gateway nat-0a"),
    (interface("VPC Endpoint Interface vpce-0a"), also_destroyed("aws_vpc_endpoint", id="vpce-0a"), "the endpoint vpce-0a"),
    (interface("EFS mount target for fs-0a (fsmt-0b)"), also_destroyed("aws_efs_mount_target", file_system_id="fs-0a"), "the mount target of fs-0a"),
    (interface("Amazon EKS prod"), also_destroyed("aws_eks_cluster", name="prod"), "the EKS cluster prod"),
    (interface("mine", InterfaceType="interface"), also_destroyed("aws_network_interface", id="eni-1"), "the network interface eni-1 (mine)"),
    # Whose it is cannot be seen: it goes with what uses the same place.
    (interface("RDSNetworkInterface", RequesterManaged=True), also_destroyed("aws_db_instance", vpc_security_group_ids=["sg-1"], db="subnet-1"), "the network interface eni-1 (RDSNetworkInterface)"),
    (interface("AWS Lambda VPC ENI-f-1", InterfaceType="lambda"), also_destroyed("aws_lambda_function", vpc_config=[{"security_group_ids": ["sg-1"], "subnet_ids": ["subnet-1"]}]), "the network interface eni-1 (AWS Lambda VPC ENI-f-1)"),
]  # fmt: skip


@pytest.mark.parametrize("one", [GROUP, SUBNET], ids=["group", "subnet"])
@pytest.mark.parametrize(("held", "owner", "words"), OWNERS, ids=[each[2] for each in OWNERS])
def test_a_used_resource_is_blocked_unless_its_user_is_destroyed_as_well(
    one: PlannedChange, held: dict[str, Any], owner: PlannedChange, words: str
) -> None:
    (told,) = forecast_with(one, interfaces=[held]).protected
    assert told.why.startswith(f"{words}; ")
    assert "DependencyViolation" in told.why
    assert [
        each.address for each in forecast_with(one, owner, interfaces=[held]).protected if each.address == one.address
    ] == []
    # Another one of the same type is no help, where AWS tells whose the interface is.
    if "network interface" not in words:
        assert forecast_with(one, also_destroyed(owner.type, id="x", name="x"), interfaces=[held]).protected != ()


def test_an_owner_is_named_once_and_many_owners_are_counted() -> None:
    held = [interface("ELB app/web/1", id=f"eni-{n}") for n in range(3)]
    held += [interface(instance=f"i-{n}", id=f"eni-i{n}") for n in range(5)]
    (told,) = forecast_with(SUBNET, interfaces=held).protected
    assert told.why.startswith("the instance i-0, the instance i-1, the instance i-2, the instance i-3 and 2 more; ")


def test_instances_are_destroyed_with_the_group_that_started_them() -> None:
    tags = [{"Key": "aws:autoscaling:groupName", "Value": "workers"}]
    running = {"Reservations": [{"Instances": [{"InstanceId": "i-1", "Tags": tags}, {"InstanceId": "i-2"}]}]}
    held = [interface(instance="i-1"), interface(instance="i-2", id="eni-2")]
    workers = also_destroyed("aws_autoscaling_group", name="workers")
    (told,) = forecast_with(GROUP, workers, interfaces=held, describe_instances=running).protected
    assert told.why.startswith("the instance i-2; ")
    # So for the whole network.
    (told,) = forecast_with(destroyed("aws_vpc", id="vpc-1"), workers, interfaces=[], describe_load_balancers={}, describe_instances=running).protected  # fmt: skip
    assert told.why.startswith("the instance i-2; ")


def moved(type_: str, **before: Any) -> PlannedChange:
    after = {**before, "vpc_security_group_ids": ["sg-2"]}
    return planned(type_, "other", actions=("update",), before={**before, "vpc_security_group_ids": ["sg-1"]}, after=after)  # fmt: skip


def test_a_group_that_an_update_drops_is_released_unless_it_is_replaced_first() -> None:
    held = [interface(instance="i-1")]
    assert forecast_with(GROUP, moved("aws_instance", id="i-1"), interfaces=held).protected == ()
    assert forecast_with(GROUP, moved("aws_instance", id="i-9"), interfaces=held).protected != ()
    anew = {"before": {"id": "sg-1", "name": "a"}, "after": {"name": "b", "vpc_id": "vpc-1"}}
    first = planned("aws_security_group", actions=("delete", "create"), **anew)
    last = planned("aws_security_group", actions=("create", "delete"), **anew)
    (told,) = forecast_with(first, moved("aws_instance", id="i-1"), interfaces=held).protected
    assert told.replaced
    assert "create_before_destroy" in told.why
    assert forecast_with(last, moved("aws_instance", id="i-1"), interfaces=held).protected == ()
    off = also_destroyed("aws_network_interface_sg_attachment", network_interface_id="eni-1", security_group_id="sg-1")
    assert forecast_with(first, off, interfaces=held).protected == ()


def naming(id: str, rules: int = 1) -> dict[str, Any]:
    pairs = [{"UserIdGroupPairs": [{"GroupId": "sg-1"}]}] * rules
    return {"GroupId": id, "GroupName": "lb", "IpPermissions": pairs}


def test_a_group_that_a_rule_of_another_names_is_blocked_unless_the_rule_is_destroyed() -> None:
    def told(*others: PlannedChange, rules: int = 1) -> list[str]:
        groups = {"SecurityGroups": [naming("sg-2", rules), naming("sg-1")]}
        seen = forecast_with(GROUP, *others, interfaces=[], describe_security_groups=groups)
        return [one.why.partition("; ")[0] for one in seen.protected if one.address == GROUP.address]

    assert told() == ["a rule of the security group lb (sg-2)"]
    rule = also_destroyed("aws_security_group_rule", security_group_id="sg-2", source_security_group_id="sg-1")
    assert told(rule) == []
    assert told(rule, rules=2) == ["a rule of the security group lb (sg-2)"]
    new = also_destroyed(
        "aws_vpc_security_group_ingress_rule", security_group_id="sg-2", referenced_security_group_id="sg-1"
    )
    assert told(new) == []
    assert told(also_destroyed("aws_security_group", id="sg-2", name="lb")) == []


def test_a_gateway_is_blocked_by_public_addresses() -> None:
    gateway = planned("aws_internet_gateway", actions=("delete",), before={"id": "igw-1", "vpc_id": "vpc-1"})
    public = {"Association": {"PublicIp": "3.3.3.3", "AllocationId": "eipalloc-1"}}
    held = [interface(instance="i-private", id="eni-2"), interface(instance="i-1", **public)]
    (told,) = forecast_with(gateway, interfaces=held).protected
    assert told.why.startswith("the instance i-1; ")
    assert forecast_with(gateway, also_destroyed("aws_instance", id="i-1"), interfaces=held).protected == ()
    assert (
        forecast_with(gateway, also_destroyed("aws_eip", allocation_id="eipalloc-1"), interfaces=held).protected == ()
    )


def test_the_interface_of_a_deleted_load_balancer_blocks_nothing() -> None:
    held = [interface("ELB app/web/1")]
    gone = forecast_with(GROUP, interfaces=held, describe_load_balancers=refusal("LoadBalancerNotFound"))
    assert (gone.protected, gone.not_checked) == ((), ())


@pytest.mark.parametrize("name", ["k8s-web-0a1b2c3d4e", "a0123456789abcdef0123456789abcde"])
def test_a_cluster_s_load_balancer_is_destroyed_with_its_service(name: str) -> None:
    held = [interface(f"ELB net/{name}/1")]
    balancers = {"LoadBalancers": [{"LoadBalancerName": name, "LoadBalancerArn": "arn:1", "VpcId": "vpc-1"}]}
    vpc = planned("aws_vpc", actions=("delete",), before={"id": "vpc-1"})
    service = also_destroyed("kubernetes_service_v1", id="default/web")
    for one in (GROUP, vpc):
        (told,) = forecast_with(one, interfaces=held, describe_load_balancers=balancers).protected
        assert f"the load balancer {name}; " in told.why
        assert forecast_with(one, service, interfaces=held, describe_load_balancers=balancers).protected == ()
    mine = [interface("ELB app/web/1")]
    assert forecast_with(GROUP, service, interfaces=mine).protected != ()


def test_a_denied_call_for_the_interfaces_is_unknown_and_names_the_action() -> None:
    seen = forecast_for(ScriptedAccount(describe_network_interfaces=refusal("UnauthorizedOperation")), SUBNET, GROUP)
    assert {one.denied for one in seen.not_checked} == {("ec2:DescribeNetworkInterfaces",)}
    assert seen.protected == ()


@pytest.mark.parametrize(
    ("type_", "before", "answers"),
    [
        ("aws_security_group", {"name": "web", "vpc_id": "vpc-1"}, {"describe_security_groups": {"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-1"}]}}),
        ("aws_launch_template", {"name": "web"}, {"describe_launch_templates": {"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}]}}),
        ("aws_lb_target_group", {"name": "web"}, {"describe_target_groups": {"TargetGroups": [{"TargetGroupArn": "arn:tg", "TargetGroupName": "web"}]}}),
        ("aws_key_pair", {"key_name": "web"}, {"describe_key_pairs": {"KeyPairs": [{"KeyName": "web", "KeyPairId": "key-1"}]}}),
        ("aws_iam_role", {"name": "web"}, {"list_roles": {"Roles": [{"RoleName": "web", "Arn": "arn:role"}]}}),
    ],
)  # fmt: skip
def test_a_replacement_that_creates_first_under_the_same_name_collides_with_itself(
    type_: str, before: dict[str, Any], answers: dict[str, Any]
) -> None:
    def told(*actions: str) -> list[str]:
        one = planned(type_, actions=actions, before={"id": "sg-1", **before}, after=before)
        return [each.existing for each in forecast_for(ScriptedAccount(**answers), one).collisions]

    (words,) = told("create", "delete")
    assert "the old one, which is destroyed only after the new one is created" in words
    assert told("delete", "create") == []
