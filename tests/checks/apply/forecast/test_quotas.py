"""The quotas that a plan needs, against use and limit."""

from __future__ import annotations

from typing import Any

from support.forecast import ScriptedAccount, forecast_for, planned, refusal

from checks.apply.forecast.vcpus import instance_batches
from checks.apply.plan.model import PlannedChange
from checks.finding import CheckState


def instance(kind: str | None, **more: Any) -> PlannedChange:
    return planned("aws_instance", after={"instance_type": kind} if kind else {}, **more)


def quota_account(limit: Any = 16.0, running: int = 0) -> ScriptedAccount:
    instances = [{"InstanceType": "t3a.large"} for _ in range(running)]
    value = limit if isinstance(limit, Exception) else {"Quota": {"Value": limit}}
    return ScriptedAccount(
        describe_instances={"Reservations": [{"Instances": instances}]},
        describe_instance_types={
            "InstanceTypes": [
                {"InstanceType": kind, "VCpuInfo": {"DefaultVCpus": cpus}}
                for kind, cpus in (("t3a.large", 2), ("t3a.medium", 2), ("m5.2xlarge", 8))
            ]
        },
        get_service_quota=value,
    )


def test_thirteen_nodes_do_not_fit_into_sixteen_vcpus() -> None:
    nodes = [instance("t3a.medium") for _ in range(13)]
    (vcpu,) = forecast_for(quota_account(), *nodes).quotas
    assert (vcpu.code, vcpu.limit, vcpu.used, vcpu.needed) == ("L-1216C47A", 16.0, 0.0, 26.0)
    assert vcpu.state is CheckState.BLOCKED
    assert "10 too few" in vcpu.sentence
    assert forecast_for(quota_account(limit=32.0), *nodes).quotas[0].state is CheckState.OK


def test_running_instances_count_and_spot_ones_do_not() -> None:
    account = quota_account(limit=5.0, running=2)
    (vcpu,) = forecast_for(account, instance("t3a.large")).quotas
    assert (vcpu.used, vcpu.state) == (4.0, CheckState.BLOCKED)


def test_destroyed_instances_are_credited() -> None:
    grown = instance("m5.2xlarge", actions=("delete", "create"), before={"instance_type": "t3a.large"})
    assert forecast_for(quota_account(), grown).quotas[0].needed == 6.0
    same = instance("t3a.large", actions=("delete", "create"), before={"instance_type": "t3a.large"})
    assert forecast_for(quota_account(limit=0.0), same).quotas == ()
    gone = instance(None, actions=("delete",), before={"instance_type": "t3a.large"})
    assert forecast_for(quota_account(limit=2.0), gone, instance("t3a.medium")).quotas == ()


def test_an_unknown_limit_is_never_green() -> None:
    seen = forecast_for(quota_account(limit=refusal("AccessDeniedException")), instance("t3a.large"))
    assert seen.quotas[0].state is CheckState.UNKNOWN
    assert seen.not_checked[0].denied == ("servicequotas:GetServiceQuota",)


def test_instances_in_two_regions_count_against_two_quotas() -> None:
    seen = forecast_for(
        quota_account(), instance("t3a.large", region="us-east-1"), instance("t3a.large", region="eu-west-1")
    )
    assert sorted(one.region for one in seen.quotas) == ["eu-west-1", "us-east-1"]


def test_an_instance_type_known_after_the_apply_is_reported() -> None:
    found, pending, late = instance_batches([instance(None)])
    assert (found, pending, [one.address for one, _ in late]) == ([], [], ["aws_instance.x"])
    assert forecast_for(quota_account(), instance(None)).state is CheckState.UNKNOWN


def test_spot_instances_count_against_a_quota_of_their_own() -> None:
    spot = instance("t3a.large")
    spot.after["instance_market_options"] = [{"market_type": "spot"}]
    seen = forecast_for(quota_account(running=3), spot)
    assert [(one.code, one.used, one.needed) for one in seen.quotas] == [("L-34B43A08", 0.0, 2.0)]


def test_groups_count_with_their_desired_size_and_the_type_of_their_template() -> None:
    template = planned("aws_launch_template", "node", after={"instance_type": "m5.2xlarge"})
    group = planned(
        "aws_autoscaling_group",
        after={"name": "g", "desired_capacity": 3, "min_size": 1},
        sources={"launch_template": {"aws_launch_template.node"}},
    )
    nodes = planned(
        "aws_eks_node_group",
        after={
            "node_group_name": "n",
            "cluster_name": "c",
            "instance_types": ["t3a.large", "t3a.medium"],
            "scaling_config": [{"desired_size": 2}],
        },
    )
    account = quota_account(limit=100.0)
    account.answers["describe_nodegroup"] = refusal("ResourceNotFoundException")
    seen = forecast_for(account, template, group, nodes)
    (vcpu,) = (one for one in seen.quotas if one.code == "L-1216C47A")
    assert vcpu.needed == 3 * 8 + 2 * 2


def test_a_template_that_is_in_the_account_is_looked_up() -> None:
    group = planned(
        "aws_autoscaling_group",
        after={
            "name": "g",
            "desired_capacity": 2,
            "launch_template": [{"name": "old", "version": "$Latest"}],
        },
    )
    account = quota_account(limit=100.0)
    account.answers["describe_launch_template_versions"] = {
        "LaunchTemplateVersions": [{"LaunchTemplateData": {"InstanceType": "m5.2xlarge"}}]
    }
    (vcpu,) = (one for one in forecast_for(account, group).quotas if one.code == "L-1216C47A")
    assert vcpu.needed == 16.0
    account.answers["describe_launch_template_versions"] = refusal("UnauthorizedOperation")
    seen = forecast_for(account, group)
    assert ("ec2:DescribeLaunchTemplateVersions",) in {one.denied for one in seen.not_checked}


def test_a_replacement_that_creates_first_needs_both() -> None:
    first_made = instance("t3a.large", actions=("create", "delete"), before={"instance_type": "t3a.large"})
    (vcpu,) = forecast_for(quota_account(limit=2.0, running=1), first_made).quotas
    assert (vcpu.needed, vcpu.state) == (2.0, CheckState.BLOCKED)


def test_a_need_that_fits_only_after_a_destruction_is_a_warning() -> None:
    gone = instance(None, actions=("delete",), before={"instance_type": "t3a.large"})
    seen = forecast_for(quota_account(limit=4.0, running=2), gone, instance("m5.2xlarge"))
    assert seen.insufficient_quotas
    seen = forecast_for(quota_account(limit=4.0, running=1), gone, instance("t3a.large"), instance("t3a.medium"))
    assert [one.state for one in seen.quotas] == [CheckState.OK]
    assert [one.what for one in seen.warnings] == [f"{seen.quotas[0].title} (L-1216C47A)"]


def test_nat_gateways_are_counted_by_zone() -> None:
    subnet = planned("aws_subnet", "a", after={"availability_zone": "z1"})
    gateways = [planned("aws_nat_gateway", f"n{n}", sources={"subnet_id": {"aws_subnet.a"}}) for n in range(2)]

    def account(zone: str) -> ScriptedAccount:
        return ScriptedAccount(
            describe_subnets={"Subnets": [{"SubnetId": "s1", "AvailabilityZone": zone}]},
            describe_nat_gateways={"NatGateways": [{"SubnetId": "s1", "State": "available"}] * 4},
            get_service_quota={"Quota": {"Value": 5.0}},
        )

    (full,) = forecast_for(account("z1"), subnet, *gateways).quotas
    assert (full.used, full.needed, full.state) == (4.0, 2.0, CheckState.BLOCKED)
    (elsewhere,) = forecast_for(account("z2"), subnet, *gateways).quotas
    assert (elsewhere.used, elsewhere.needed, elsewhere.state) == (0.0, 2.0, CheckState.OK)


def test_load_balancers_count_by_their_kind() -> None:
    account = ScriptedAccount(
        describe_load_balancers=refusal("LoadBalancerNotFound"),
        get_service_quota={"Quota": {"Value": 1.0}},
    )
    network = planned("aws_lb", after={"name": "n", "load_balancer_type": "network"})
    seen = forecast_for(account, network)
    assert [one.code for one in seen.quotas] == ["L-69A177A2"]


def test_the_quotas_that_iam_reports_are_used() -> None:
    account = ScriptedAccount(get_account_summary={"SummaryMap": {"Roles": 1000, "RolesQuota": 1000}})
    (roles,) = forecast_for(account, planned("aws_iam_role", after={"name": "r"})).quotas
    assert (roles.limit, roles.used, roles.state) == (1000.0, 1000.0, CheckState.BLOCKED)
