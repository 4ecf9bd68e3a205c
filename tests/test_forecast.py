"""The forecast: names and quotas, looked up in an account that answers as these tests want it to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from checks.apply.forecast import forecast
from checks.apply.instances import batches, quota_of
from checks.apply.plan import Action, Plan, Planned
from checks.apply.review import Forecast, document
from checks.aws_errors import explain
from checks.aws_session import CredentialSource
from checks.finding import State
from checks.world import World
from config.model import Settings


def planned(type_: str, name: str = "x", **more: Any) -> Planned:
    actions = more.pop("actions", ("create",))
    return Planned(
        address=f"{type_}.{name}",
        type=type_,
        action=Action.CREATE,
        actions=actions,
        before=more.pop("before", {}),
        after=more.pop("after", {}),
        unknown=more.pop("unknown", {}),
        region=more.pop("region", ""),
        configured=more.pop("configured", None),
        sources=_sources(more.pop("sources", None)),
    )


def _sources(named: dict[str, set[str]] | None) -> Callable[[str], frozenset[str]] | None:
    return None if named is None else lambda attribute: frozenset(named.get(attribute, ()))


def refusal(code: str, operation: str = "Look", message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Account:
    """AWS, as far as a test fills it in. A value that is an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.region = "ap-northeast-2"

    def client(self, service: str, region: str | None = None) -> Any:
        if isinstance(self.answers.get(service), Exception):
            raise self.answers[service]
        account = self

        class Client:
            def __getattr__(self, operation: str) -> Any:
                return lambda **words: account.answer(operation)

        return Client()

    def answer(self, operation: str) -> Any:
        self.asked.append(operation)
        found = self.answers.get(operation, {})
        if isinstance(found, Exception):
            raise found
        return found

    def paginate(self, service: str, operation: str, key: str, **words: Any) -> Iterator[Any]:
        found: Any = self.answer(operation)
        for part in key.split("."):
            found = found.get(part, {})
        yield from found

    def explain(self, error: BaseException, action: str = "") -> Any:
        return explain(error, action)


def look(account: Account, *resources: Planned) -> Forecast:
    # An AWS that is played by this machine: then nobody's DNS is asked.
    world = World(settings=Settings(), project=Path(), env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    world.__dict__["aws"] = account
    return forecast(world, resources)


POLICY = planned("aws_iam_policy", after={"name": "prod-policy"})
POLICY_THERE = {"Policies": [{"PolicyName": "PROD-policy", "Arn": "arn:aws:iam::1:policy/team/PROD-policy"}]}


def test_a_policy_collides_whatever_its_path_and_case() -> None:
    seen = look(Account(list_policies=POLICY_THERE), POLICY)
    (one,) = seen.collisions
    assert (one.address, one.guide) == ("aws_iam_policy.x", ("2.1",))
    assert one.ways_out == ("adopt", "delete", "rename", "stop")
    assert one.import_block == (
        'import {\n  to = aws_iam_policy.x\n  id = "arn:aws:iam::1:policy/team/PROD-policy"\n}\n'
    )
    assert seen.state is State.BLOCKED
    assert seen.blocking == ("collision:aws_iam_policy.x",)


def test_a_free_name_is_no_finding() -> None:
    seen = look(Account(list_policies={"Policies": []}), POLICY)
    assert (seen.collisions, seen.unknown, seen.state, seen.looked) == ((), (), State.OK, 1)


def test_a_denied_look_is_unknown_and_names_the_action() -> None:
    seen = look(Account(list_policies=refusal("AccessDenied")), POLICY)
    (one,) = seen.unknown
    assert one.denied == ("iam:ListPolicies",)
    assert seen.state is State.UNKNOWN


def test_without_credentials_every_service_is_told_once_and_nothing_is_green() -> None:
    resources = [planned("aws_iam_role", f"r{n}", after={"name": f"r{n}"}) for n in range(20)]
    seen = look(Account(iam=NoCredentialsError()), *resources)
    assert [one.what for one in seen.unknown] == ["quotas of IAM", "names in iam"]
    assert seen.state is State.UNKNOWN


def test_somebody_else_s_bucket_can_be_neither_adopted_nor_deleted() -> None:
    bucket = planned("aws_s3_bucket", after={"bucket": "images"})
    theirs = look(Account(list_buckets={"Buckets": []}, head_bucket=refusal("403")), bucket)
    assert theirs.collisions[0].ways_out == ("rename", "stop")
    assert theirs.collisions[0].import_block == ""
    free = look(Account(list_buckets={"Buckets": []}, head_bucket=refusal("404")), bucket)
    assert free.state is State.OK
    ours = look(Account(list_buckets={"Buckets": [{"Name": "images"}]}), bucket)
    assert "adopt" in ours.collisions[0].ways_out


def test_a_bucket_of_which_nothing_can_be_known_is_unknown() -> None:
    bucket = planned("aws_s3_bucket", after={"bucket": "images"})
    seen = look(Account(list_buckets=refusal("AccessDenied")), bucket)
    assert seen.collisions == ()
    assert seen.unknown[0].denied == ("s3:ListAllMyBuckets",)


def test_a_name_known_only_after_the_apply_is_said_and_a_generated_one_is_not() -> None:
    late = planned("aws_iam_role", "late", unknown={"name": True}, configured=frozenset({"name"}))
    generated = planned("aws_iam_role", "made", unknown={"name": True}, configured=frozenset({"name_prefix"}))
    seen = look(Account(), late, generated)
    assert [one.address for one in seen.unknown] == ["aws_iam_role.late"]
    assert seen.state is State.UNKNOWN
    assert seen.sentence == "1 cannot be known before the apply"


def test_one_name_twice_in_the_plan_collides_with_itself() -> None:
    account = Account(list_roles={})
    seen = look(
        account,
        planned("aws_iam_role", "a", after={"name": "Node"}),
        planned("aws_iam_role", "b", after={"name": "node"}),
    )
    assert [one.address for one in seen.collisions] == ["aws_iam_role.b"]
    assert "aws_iam_role.a" in seen.collisions[0].existing


def test_a_replacement_that_deletes_first_does_not_collide_with_itself() -> None:
    there = {"Roles": [{"Arn": "arn:aws:iam::1:role/node", "RoleName": "node"}]}
    names = {"before": {"name": "node"}, "after": {"name": "node"}}
    first_gone = planned("aws_iam_role", actions=("delete", "create"), **names)
    first_made = planned("aws_iam_role", actions=("create", "delete"), **names)
    assert look(Account(list_roles=there), first_gone).collisions == ()
    assert len(look(Account(list_roles=there), first_made).collisions) == 1


def test_a_security_group_in_a_new_vpc_cannot_collide() -> None:
    account = Account(describe_security_groups={"SecurityGroups": [{"GroupId": "sg-1"}]})
    new = planned("aws_security_group", after={"name": "node"}, unknown={"vpc_id": True})
    old = planned("aws_security_group", after={"name": "node", "vpc_id": "vpc-1"})
    assert look(account, new).collisions == ()
    assert look(account, old).collisions[0].import_id == "sg-1"


def test_a_parameter_that_may_be_overwritten_is_not_asked_for() -> None:
    account = Account(describe_parameters={"Parameters": [{"Name": "/a", "ARN": "arn:a"}]})
    assert look(account, planned("aws_ssm_parameter", after={"name": "/a", "overwrite": True})).looked == 0
    assert len(look(account, planned("aws_ssm_parameter", after={"name": "/a"})).collisions) == 1


def test_a_record_is_compared_with_its_zone_completed_and_its_type() -> None:
    def account(name: str, type_: str) -> Account:
        return Account(
            get_hosted_zone={"HostedZone": {"Name": "example.com."}},
            list_resource_record_sets={"ResourceRecordSets": [{"Name": name, "Type": type_}]},
        )

    short = planned("aws_route53_record", after={"name": "*.api", "type": "A", "zone_id": "Z1"})
    assert (
        look(account("\\052.api.example.com.", "A"), short).collisions[0].import_id
        == "Z1_*.api.example.com_A"
    )
    assert look(account("\\052.api.example.com.", "AAAA"), short).collisions == ()
    assert look(account("web.example.com.", "A"), short).collisions == ()


def test_an_alias_of_a_distribution_that_is_there_collides() -> None:
    there = {"Id": "E1", "DomainName": "d1.cloudfront.net", "Aliases": {"Items": ["CDN.example.com"]}}
    account = Account(list_distributions={"DistributionList": {"Items": [there]}})
    wanted = planned("aws_cloudfront_distribution", after={"aliases": ["cdn.example.com", "b.example.com"]})
    (one,) = look(account, wanted).collisions
    assert (one.name, one.import_id) == ("cdn.example.com", "E1")


def test_a_type_that_is_not_covered_is_said_once() -> None:
    resources = [planned("aws_strange_thing", f"t{n}", after={"name": f"t{n}"}) for n in range(5)]
    seen = look(Account(), *resources)
    assert [one.type for one in seen.unknown] == ["aws_strange_thing"]


# Quotas


def instance(kind: str | None, **more: Any) -> Planned:
    return planned("aws_instance", after={"instance_type": kind} if kind else {}, **more)


def quota_account(limit: Any = 16.0, running: int = 0) -> Account:
    instances = [{"InstanceType": "t3a.large"} for _ in range(running)]
    value = limit if isinstance(limit, Exception) else {"Quota": {"Value": limit}}
    return Account(
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
    (vcpu,) = look(quota_account(), *nodes).quotas
    assert (vcpu.code, vcpu.limit, vcpu.used, vcpu.needed) == ("L-1216C47A", 16.0, 0.0, 26.0)
    assert vcpu.state is State.BLOCKED
    assert "10 too few" in vcpu.sentence
    assert look(quota_account(limit=32.0), *nodes).quotas[0].state is State.OK


def test_what_runs_already_counts_and_spot_does_not() -> None:
    account = quota_account(limit=5.0, running=2)
    (vcpu,) = look(account, instance("t3a.large")).quotas
    assert (vcpu.used, vcpu.state) == (4.0, State.BLOCKED)


def test_what_the_plan_destroys_is_credited() -> None:
    grown = instance("m5.2xlarge", actions=("delete", "create"), before={"instance_type": "t3a.large"})
    assert look(quota_account(), grown).quotas[0].needed == 6.0
    same = instance("t3a.large", actions=("delete", "create"), before={"instance_type": "t3a.large"})
    assert look(quota_account(limit=0.0), same).quotas == ()
    gone = instance(None, actions=("delete",), before={"instance_type": "t3a.large"})
    assert look(quota_account(limit=2.0), gone, instance("t3a.medium")).quotas == ()


def test_an_unknown_limit_is_never_green() -> None:
    seen = look(quota_account(limit=refusal("AccessDeniedException")), instance("t3a.large"))
    assert seen.quotas[0].state is State.UNKNOWN
    assert seen.unknown[0].denied == ("servicequotas:GetServiceQuota",)


def test_instances_in_two_regions_count_against_two_quotas() -> None:
    seen = look(
        quota_account(), instance("t3a.large", region="us-east-1"), instance("t3a.large", region="eu-west-1")
    )
    assert sorted(one.region for one in seen.quotas) == ["eu-west-1", "us-east-1"]


def test_an_instance_type_known_only_after_the_apply_is_said() -> None:
    found, pending, late = batches([instance(None)])
    assert (found, pending, [one.address for one, _ in late]) == ([], [], ["aws_instance.x"])
    assert look(quota_account(), instance(None)).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("t3a.large", "L-1216C47A"),
        ("im4gn.large", "L-1216C47A"),
        ("inf2.xlarge", "L-1945791B"),
        ("i4i.large", "L-1216C47A"),
        ("g5.xlarge", "L-DB2E81BA"),
        ("vt1.3xlarge", "L-DB2E81BA"),
        ("hpc7a.96xlarge", "L-F7808C92"),
        ("h1.2xlarge", "L-1216C47A"),
        ("p4d.24xlarge", "L-417A185B"),
        ("dl1.24xlarge", "L-6E869C2A"),
        ("d3.xlarge", "L-1216C47A"),
        ("trn1.2xlarge", "L-2C3B7624"),
        ("u-6tb1.metal", "L-43DA4232"),
        ("x2idn.16xlarge", "L-7295265B"),
    ],
)
def test_each_family_counts_against_its_own_quota(kind: str, code: str) -> None:
    assert quota_of(kind)[0] == code


def test_the_public_document_has_the_keys_of_the_contract() -> None:
    seen = look(Account(list_policies=POLICY_THERE), POLICY)
    body = document(Plan(terraform="1", format="1.2", changes=()), seen)
    assert set(body) == {"changes", "quotas", "collisions", "kept", "unknown", "warnings"}
    assert set(body["collisions"][0]) >= {"address", "type", "name", "existing", "ways_out"}


def test_spot_instances_count_against_a_quota_of_their_own() -> None:
    spot = instance("t3a.large")
    spot.after["instance_market_options"] = [{"market_type": "spot"}]
    seen = look(quota_account(running=3), spot)
    assert [(one.code, one.used, one.needed) for one in seen.quotas] == [("L-34B43A08", 0.0, 2.0)]
    assert quota_of("g5.xlarge", spot=True)[0] == "L-3819A6DF"
    assert quota_of("u-6tb1.metal", spot=True)[0] == "L-43DA4232"


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
    seen = look(account, template, group, nodes)
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
    (vcpu,) = (one for one in look(account, group).quotas if one.code == "L-1216C47A")
    assert vcpu.needed == 16.0
    account.answers["describe_launch_template_versions"] = refusal("UnauthorizedOperation")
    seen = look(account, group)
    assert ("ec2:DescribeLaunchTemplateVersions",) in {one.denied for one in seen.unknown}


def test_a_replacement_that_makes_the_new_one_first_needs_both() -> None:
    first_made = instance("t3a.large", actions=("create", "delete"), before={"instance_type": "t3a.large"})
    (vcpu,) = look(quota_account(limit=2.0, running=1), first_made).quotas
    assert (vcpu.needed, vcpu.state) == (2.0, State.BLOCKED)


def test_what_fits_only_once_something_else_is_gone_is_a_warning() -> None:
    gone = instance(None, actions=("delete",), before={"instance_type": "t3a.large"})
    seen = look(quota_account(limit=4.0, running=2), gone, instance("m5.2xlarge"))
    assert seen.short
    seen = look(quota_account(limit=4.0, running=1), gone, instance("t3a.large"), instance("t3a.medium"))
    assert [one.state for one in seen.quotas] == [State.OK]
    assert [one.what for one in seen.warnings] == [f"{seen.quotas[0].title} (L-1216C47A)"]


def test_nat_gateways_are_counted_by_zone() -> None:
    subnet = planned("aws_subnet", "a", after={"availability_zone": "z1"})
    gateways = [
        planned("aws_nat_gateway", f"n{n}", sources={"subnet_id": {"aws_subnet.a"}}) for n in range(2)
    ]

    def account(zone: str) -> Account:
        return Account(
            describe_subnets={"Subnets": [{"SubnetId": "s1", "AvailabilityZone": zone}]},
            describe_nat_gateways={"NatGateways": [{"SubnetId": "s1", "State": "available"}] * 4},
            get_service_quota={"Quota": {"Value": 5.0}},
        )

    (full,) = look(account("z1"), subnet, *gateways).quotas
    assert (full.used, full.needed, full.state) == (4.0, 2.0, State.BLOCKED)
    (elsewhere,) = look(account("z2"), subnet, *gateways).quotas
    assert (elsewhere.used, elsewhere.needed, elsewhere.state) == (0.0, 2.0, State.OK)


def test_load_balancers_count_by_their_kind() -> None:
    account = Account(
        describe_load_balancers=refusal("LoadBalancerNotFound"),
        get_service_quota={"Quota": {"Value": 1.0}},
    )
    network = planned("aws_lb", after={"name": "n", "load_balancer_type": "network"})
    seen = look(account, network)
    assert [one.code for one in seen.quotas] == ["L-69A177A2"]


def test_what_iam_itself_says_about_its_quotas_is_used() -> None:
    account = Account(get_account_summary={"SummaryMap": {"Roles": 1000, "RolesQuota": 1000}})
    (roles,) = look(account, planned("aws_iam_role", after={"name": "r"})).quotas
    assert (roles.limit, roles.used, roles.state) == (1000.0, 1000.0, State.BLOCKED)


# Names, continued


def test_an_account_where_half_of_the_calls_are_denied_is_never_green_and_names_each_action() -> None:
    resources = [
        planned("aws_iam_role", after={"name": "r"}),
        planned("aws_iam_user", after={"name": "u"}),
        planned("aws_key_pair", after={"key_name": "k"}),
        planned("aws_s3_bucket", after={"bucket": "b"}),
        planned("aws_sqs_queue", after={"name": "q"}),
        planned("aws_route53_zone", after={"name": "example.com"}),
        planned("aws_vpc"),
    ]
    denied = {
        "list_roles": "iam:ListRoles",
        "describe_key_pairs": "ec2:DescribeKeyPairs",
        "get_queue_url": "sqs:GetQueueUrl",
        "list_hosted_zones": "route53:ListHostedZones",
        "get_account_summary": "iam:GetAccountSummary",
        "get_account_limit": "route53:GetAccountLimit",
        "describe_vpcs": "ec2:DescribeVpcs",
        "get_service_quota": "servicequotas:GetServiceQuota",
    }
    account = Account(
        head_bucket=refusal("404"),
        **{operation: refusal("AccessDenied") for operation in denied},
    )
    seen = look(account, *resources)
    assert {action for one in seen.unknown for action in one.denied} == set(denied.values())
    assert all(one.failed for one in seen.unknown)
    assert seen.state is State.UNKNOWN
    assert seen.collisions == ()


def test_an_alias_of_which_a_part_is_known_later_is_said_and_the_rest_is_looked_up() -> None:
    there = {"Id": "E1", "DomainName": "d1", "Aliases": {"Items": ["cdn.example.com"]}}
    account = Account(list_distributions={"DistributionList": {"Items": [there]}})
    wanted = planned(
        "aws_cloudfront_distribution",
        after={"aliases": ["cdn.example.com", None]},
        unknown={"aliases": [False, True]},
    )
    seen = look(account, wanted)
    assert [one.import_id for one in seen.collisions] == ["E1"]
    assert [one.address for one in seen.unknown if not one.failed] == ["aws_cloudfront_distribution.x"]


def test_a_group_of_a_vpc_that_is_not_made_here_and_not_known_yet_is_said() -> None:
    vpc = planned("aws_vpc", "new")
    new = planned(
        "aws_security_group",
        "new",
        after={"name": "n"},
        unknown={"vpc_id": True},
        sources={"vpc_id": {"aws_vpc.new"}},
    )
    read = planned(
        "aws_security_group",
        "read",
        after={"name": "n"},
        unknown={"vpc_id": True},
        sources={"vpc_id": {"data.aws_vpc.old"}},
    )
    seen = look(Account(), vpc, new, read)
    assert [one.address for one in seen.unknown if not one.failed] == ["aws_security_group.read"]


def test_a_name_that_the_same_plan_gives_up_elsewhere_is_no_way_to_adopt() -> None:
    there = {"Roles": [{"Arn": "arn:aws:iam::1:role/node", "RoleName": "node"}]}
    old = planned("aws_iam_role", "old", actions=("delete",), before={"name": "node"})
    new = planned("aws_iam_role", "new", after={"name": "node"})
    (one,) = look(Account(list_roles=there), old, new).collisions
    assert one.ways_out == ("rename", "stop")
    assert "aws_iam_role.old" in one.existing


def test_a_secret_scheduled_for_deletion_has_to_be_restored() -> None:
    account = Account(describe_secret={"ARN": "arn:s", "DeletedDate": "2026-11-01"})
    (one,) = look(account, planned("aws_secretsmanager_secret", after={"name": "s"})).collisions
    assert one.ways_out == ("restore", "rename", "stop")
    assert one.restore[:3] == ("aws", "secretsmanager", "restore-secret")


def test_a_queue_of_the_same_attributes_is_given_back_and_another_is_refused() -> None:
    account = Account(
        get_queue_url={"QueueUrl": "https://q"},
        get_queue_attributes={"Attributes": {"VisibilityTimeout": "30", "QueueArn": "arn:q"}},
    )
    same = planned("aws_sqs_queue", after={"name": "q", "visibility_timeout_seconds": 30})
    other = planned("aws_sqs_queue", after={"name": "q", "visibility_timeout_seconds": 60})
    assert look(account, same).collisions == ()
    assert "VisibilityTimeout" in look(account, other).collisions[0].existing


def test_a_placement_group_of_the_name_collides() -> None:
    account = Account(describe_placement_groups={"PlacementGroups": [{"GroupArn": "arn:pg"}]})
    assert look(account, planned("aws_placement_group", after={"name": "pg"})).collisions[0].import_id == "pg"


# What AWS does not refuse


def test_a_second_zone_of_a_domain_is_a_warning() -> None:
    zones = [{"Id": "/hostedzone/Z1", "Name": "example.com.", "Config": {"PrivateZone": False}}]
    account = Account(
        list_hosted_zones={"HostedZones": zones},
        get_account_limit={"Limit": {"Value": 500}, "Count": 1},
    )
    seen = look(account, planned("aws_route53_zone", after={"name": "Example.com"}))
    assert seen.collisions == ()
    assert "Z1" in seen.warnings[0].why
    assert seen.state is State.WARN
    private = planned("aws_route53_zone", after={"name": "example.com", "vpc": [{"vpc_id": "v"}]})
    assert look(account, private).warnings == ()


@pytest.mark.parametrize(("left", "warns"), [(60.0, True), (700.0, True), (7200.0, False), (None, False)])
def test_credentials_that_end_before_the_apply_does_are_a_warning(left: float | None, warns: bool) -> None:
    account = Account()
    expires = None if left is None else time.time() + left
    account.__dict__["credential_source"] = lambda: CredentialSource(
        method="sso", profile="p", expires=expires
    )
    seen = look(account, planned("aws_eks_cluster", after={"name": "c"}))
    assert any("credentials" in one.what for one in seen.warnings) is warns


def test_a_validation_record_that_is_left_is_a_warning_where_it_cannot_be_overwritten() -> None:
    left = {
        "Name": "_abc.example.com.",
        "Type": "CNAME",
        "ResourceRecords": [{"Value": "_def.acm-validations.aws."}],
    }
    account = Account(list_resource_record_sets={"ResourceRecordSets": [left]})
    words: dict[str, Any] = {
        "unknown": {"name": True},
        "sources": {"name": {"aws_acm_certificate.cdn"}},
    }
    seen = look(account, planned("aws_route53_record", after={"zone_id": "Z1", "type": "CNAME"}, **words))
    assert "_abc.example.com" in seen.warnings[0].why
    after = {"zone_id": "Z1", "allow_overwrite": True}
    assert look(account, planned("aws_route53_record", after=after, **words)).warnings == ()


def test_a_second_origin_access_identity_of_one_comment_is_a_warning() -> None:
    items = [{"Id": "E1", "Comment": "images"}, {"Id": "E2", "Comment": "other"}]
    account = Account(
        list_cloud_front_origin_access_identities={"CloudFrontOriginAccessIdentityList": {"Items": items}}
    )
    seen = look(account, planned("aws_cloudfront_origin_access_identity", after={"comment": "images"}))
    assert seen.collisions == ()
    assert "E1 has that comment" in seen.warnings[0].why
    free = planned("aws_cloudfront_origin_access_identity", after={"comment": "new"})
    assert look(account, free).warnings == ()
