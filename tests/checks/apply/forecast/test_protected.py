"""The forecast of what a plan destroys and AWS will not give up, in an account that answers as these tests want it to."""

from __future__ import annotations

from typing import Any

import pytest
from support.forecast import ScriptedAccount, destroyed, forecast_for, planned, refusal

from checks.apply.plan.model import PlannedChange
from checks.finding import CheckState

ARN = "arn:aws:iam::1:policy/p"
TWO_ROLES = {"PolicyRoles": [{"RoleName": "node"}, {"RoleName": "other"}]}


POLICY = destroyed("aws_iam_policy", anew=True, name="p", arn=ARN)


def detached(role: str) -> PlannedChange:
    return destroyed("aws_iam_role_policy_attachment", role=role, policy_arn=ARN)


def test_a_policy_that_stays_attached_cannot_be_replaced() -> None:
    seen = forecast_for(ScriptedAccount(list_entities_for_policy=TWO_ROLES), POLICY, detached("node"))
    (one,) = seen.protected
    assert "attached to the role other" in one.why
    assert "role node" not in one.why
    assert one.replaced
    assert seen.blocking_ids == ("destroy:aws_iam_policy.x",)
    assert seen.sentence == "1 cannot be destroyed"


def test_a_destroyed_attachment_blocks_nothing() -> None:
    seen = forecast_for(
        ScriptedAccount(list_entities_for_policy=TWO_ROLES), POLICY, detached("node"), detached("other")
    )
    assert seen.protected == ()
    # What is only created, or changed in place, is not asked at all.
    account = ScriptedAccount(list_entities_for_policy=TWO_ROLES)
    forecast_for(account, planned("aws_iam_policy", before={"arn": ARN}, actions=("update",)))
    assert "list_entities_for_policy" not in account.calls


def test_a_denied_check_is_unknown_and_names_the_action() -> None:
    seen = forecast_for(ScriptedAccount(list_entities_for_policy=refusal("AccessDenied")), POLICY)
    assert seen.protected == ()
    assert [one.denied for one in seen.not_checked] == [("iam:ListEntitiesForPolicy",)]
    assert seen.state is CheckState.UNKNOWN


@pytest.mark.parametrize(
    ("type_", "unless", "answers", "before", "word"),
    [
        (
            "aws_s3_bucket",
            "force_destroy",
            {"list_object_versions": {"Versions": [{"Key": "a"}], "DeleteMarkers": [{"Key": "b"}]}},
            {"bucket": "images"},
            "2 objects",
        ),
        (
            "aws_ecr_repository",
            "force_delete",
            {"list_images": {"imageIds": [{"imageTag": "1"}], "nextToken": "x"}},
            {"name": "web"},
            "1 or more images",
        ),
        (
            "aws_route53_zone",
            "force_destroy",
            {
                "list_resource_record_sets": {
                    "ResourceRecordSets": [
                        {"Name": "example.com.", "Type": "NS"},
                        {"Name": "\\052.example.com.", "Type": "A"},
                    ]
                }
            },
            {"name": "example.com", "zone_id": "Z1"},
            "the A record *.example.com",
        ),
        (
            "aws_iam_user",
            "force_destroy",
            {"list_access_keys": {"AccessKeyMetadata": [{"AccessKeyId": "AKIA"}]}},
            {"name": "robot"},
            "an access key",
        ),
    ],
)
def test_a_full_resource_is_blocked_unless_the_provider_may_empty_it(
    type_: str, unless: str, answers: dict[str, Any], before: dict[str, Any], word: str
) -> None:
    (one,) = forecast_for(ScriptedAccount(**answers), destroyed(type_, **before)).protected
    assert word in one.why
    assert forecast_for(ScriptedAccount(**answers), destroyed(type_, **before, **{unless: True})).protected == ()


def test_a_vpc_is_blocked_by_a_cluster_s_load_balancer() -> None:
    balancers = [
        {"LoadBalancerName": "k8s-web", "LoadBalancerArn": "arn:1", "VpcId": "vpc-1"},
        {"LoadBalancerName": "ours", "LoadBalancerArn": "arn:2", "VpcId": "vpc-1"},
        {"LoadBalancerName": "elsewhere", "LoadBalancerArn": "arn:3", "VpcId": "vpc-2"},
    ]
    groups = [{"GroupId": "sg-1", "GroupName": "default"}, {"GroupId": "sg-2", "GroupName": "k8s-elb"}]
    account = ScriptedAccount(
        describe_load_balancers={"LoadBalancers": balancers},
        describe_security_groups={"SecurityGroups": groups},
    )
    (one,) = forecast_for(account, destroyed("aws_vpc", id="vpc-1"), destroyed("aws_lb", arn="arn:2")).protected
    assert one.why.startswith("the load balancer k8s-web, the security group k8s-elb (sg-2); ")


@pytest.mark.parametrize(
    ("type_", "before"),
    [
        ("aws_db_instance", {"deletion_protection": True, "skip_final_snapshot": True}),
        ("aws_lb", {"enable_deletion_protection": True}),
        ("aws_instance", {"disable_api_termination": True}),
        ("aws_cognito_user_pool", {"deletion_protection": "ACTIVE"}),
        ("aws_rds_cluster", {"skip_final_snapshot": False, "final_snapshot_identifier": None}),
    ],
)
def test_a_protected_resource_is_found_without_a_call(type_: str, before: dict[str, Any]) -> None:
    (one,) = forecast_for(ScriptedAccount(), destroyed(type_, name="x", **before)).protected
    assert "apply" in one.why
    free = {key: {True: False, "ACTIVE": "INACTIVE", False: True}.get(value) for key, value in before.items()}
    assert (
        forecast_for(ScriptedAccount(), destroyed(type_, name="x", **{**free, "skip_final_snapshot": True})).protected
        == ()
    )
