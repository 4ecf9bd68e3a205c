"""The kinds of collisions: each is a complete row, and its finder tells a taken name from a free one."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest
from support.forecast import ScriptedAccount, forecast_for, planned, refusal

from checks.apply.forecast import collisions
from checks.apply.forecast.collisions import COLLISION_KINDS, NON_COLLIDING_TYPES
from checks.apply.forecast.collisions.kind import CollisionKind

KINDS = COLLISION_KINDS.values()
SERVICES = frozenset(botocore.session.get_session().get_available_services())

EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "aws_key_pair": ({"key_name": "n"}, {"describe_key_pairs": {"KeyPairs": [{"KeyPairId": "key-1"}]}}, "n"),
    "aws_launch_template": (
        {"name": "n"},
        {"describe_launch_templates": {"LaunchTemplates": [{"LaunchTemplateId": "lt-1"}]}},
        "lt-1",
    ),
    "aws_ami": ({"name": "n"}, {"describe_images": {"Images": [{"ImageId": "ami-1"}]}}, "ami-1"),
    "aws_autoscaling_group": (
        {"name": "n"},
        {"describe_auto_scaling_groups": {"AutoScalingGroups": [{"AutoScalingGroupARN": "arn:g"}]}},
        "n",
    ),
    "aws_lb": ({"name": "n"}, {"describe_load_balancers": {"LoadBalancers": [{"LoadBalancerArn": "arn:lb"}]}}, "arn:lb"),
    "aws_lb_target_group": (
        {"name": "n"},
        {"describe_target_groups": {"TargetGroups": [{"TargetGroupArn": "arn:tg"}]}},
        "arn:tg",
    ),
    "aws_elb": (
        {"name": "n"},
        {"describe_load_balancers": {"LoadBalancerDescriptions": [{"LoadBalancerName": "n"}]}},
        "n",
    ),
    "aws_eks_cluster": ({"name": "n"}, {"describe_cluster": {"cluster": {"arn": "arn:c"}}}, "n"),
    "aws_eks_addon": (
        {"addon_name": "n", "cluster_name": "c"},
        {"describe_addon": {"addon": {"addonArn": "arn:a"}}},
        "c:n",
    ),
    "aws_lambda_function": (
        {"function_name": "n"},
        {"get_function_configuration": {"FunctionArn": "arn:f"}},
        "n",
    ),
    "aws_dynamodb_table": ({"name": "n"}, {"describe_table": {"Table": {"TableArn": "arn:t"}}}, "n"),
    "aws_ecr_repository": (
        {"name": "n"},
        {"describe_repositories": {"repositories": [{"repositoryArn": "arn:r"}]}},
        "n",
    ),
    "aws_efs_file_system": (
        {"creation_token": "n"},
        {"describe_file_systems": {"FileSystems": [{"FileSystemArn": "arn:fs", "FileSystemId": "fs-1"}]}},
        "fs-1",
    ),
    "aws_cloudtrail": ({"name": "n"}, {"describe_trails": {"trailList": [{"TrailARN": "arn:trail"}]}}, "arn:trail"),
    "aws_db_instance": (
        {"identifier": "n"},
        {"describe_db_instances": {"DBInstances": [{"DBInstanceArn": "arn:db"}]}},
        "n",
    ),
    "aws_elasticache_cluster": (
        {"cluster_id": "n"},
        {"describe_cache_clusters": {"CacheClusters": [{"ARN": "arn:cache"}]}},
        "n",
    ),
    "aws_iam_server_certificate": (
        {"name": "n"},
        {"list_server_certificates": {"ServerCertificateMetadataList": [{"ServerCertificateName": "N", "Arn": "arn:c"}]}},
        "N",
    ),
    "aws_iam_openid_connect_provider": (
        {"url": "https://n/id"},
        {"list_open_id_connect_providers": {"OpenIDConnectProviderList": [{"Arn": "arn:aws:iam::1:oidc-provider/n/id"}]}},
        "arn:aws:iam::1:oidc-provider/n/id",
    ),
    "aws_cloudfront_cache_policy": (
        {"name": "n"},
        {
            "list_cache_policies": {
                "CachePolicyList": {"Items": [{"CachePolicy": {"Id": "P1", "CachePolicyConfig": {"Name": "n"}}}]}
            }
        },
        "P1",
    ),
    "aws_cloudfront_origin_access_control": (
        {"name": "n"},
        {"list_origin_access_controls": {"OriginAccessControlList": {"Items": [{"Id": "O1", "Name": "n"}]}}},
        "O1",
    ),
    "aws_cloudfront_function": (
        {"name": "n"},
        {"describe_function": {"FunctionSummary": {"FunctionMetadata": {"FunctionARN": "arn:f"}}}},
        "n",
    ),
    "aws_kms_alias": ({"name": "n"}, {"list_aliases": {"Aliases": [{"AliasName": "n", "AliasArn": "arn:k"}]}}, "n"),
    "aws_sfn_state_machine": (
        {"name": "n"},
        {"list_state_machines": {"stateMachines": [{"name": "n", "stateMachineArn": "arn:s"}]}},
        "arn:s",
    ),
    "aws_wafv2_ip_set": ({"name": "n"}, {"list_ip_sets": {"IPSets": [{"Name": "n", "Id": "i", "ARN": "arn:i"}]}}, "i/n/REGIONAL"),
    "aws_cloudwatch_log_group": (
        {"name": "n"},
        {"describe_log_groups": {"logGroups": [{"logGroupName": "n/more"}, {"logGroupName": "n"}]}},
        "n",
    ),
    "aws_ssm_document": ({"name": "n"}, {"describe_document": {"Document": {"Name": "n"}}}, "n"),
}  # fmt: skip
"""Type to planned values, what AWS answers when the name is taken, and the import id."""


@pytest.mark.parametrize("type_", EXAMPLES)
def test_a_taken_name_collides_and_a_free_one_does_not(type_: str) -> None:
    after, answers, import_id = EXAMPLES[type_]
    (collision,) = forecast_for(ScriptedAccount(**answers), planned(type_, after=after)).collisions
    assert collision.import_id == import_id
    free = forecast_for(ScriptedAccount(), planned(type_, after=after))
    assert (free.collisions, free.lookup_count) == ((), 1)


def test_a_name_that_aws_does_not_know_is_free() -> None:
    seen = forecast_for(
        ScriptedAccount(describe_key_pairs=refusal("InvalidKeyPair.NotFound")),
        planned("aws_key_pair", after={"key_name": "n"}),
    )
    assert (seen.collisions, seen.not_checked) == ((), ())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_a_kind_names_a_service_of_boto3_and_an_iam_action(kind: CollisionKind) -> None:
    assert kind.service in SERVICES
    assert re.fullmatch(r"[a-z0-9-]+:[A-Z]\w+", kind.action)
    assert kind.type.startswith("aws_")


def test_no_type_is_in_two_kinds_or_among_those_that_cannot_collide() -> None:
    rows = [kind.type for kinds in collisions._SERVICES for kind in kinds]
    assert len(rows) == len(set(rows)) > 55
    assert set(rows).isdisjoint(NON_COLLIDING_TYPES)


@pytest.mark.parametrize(("type_", "collides"), [("A", True), ("AAAA", False)])
def test_records_of_one_name_collide_within_a_plan_only_when_their_type_is_the_same(type_: str, collides: bool) -> None:
    records = [
        planned("aws_route53_record", name, after={"name": "api", "zone_id": "Z1", "type": record_type})
        for name, record_type in (("a", "A"), ("b", type_))
    ]
    account = ScriptedAccount(
        get_hosted_zone={"HostedZone": {"Name": "example.com."}}, list_resource_record_sets={"ResourceRecordSets": []}
    )
    found = forecast_for(account, *records).collisions
    assert [one.address for one in found] == (["aws_route53_record.b"] if collides else [])
