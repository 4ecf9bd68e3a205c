"""The forecast: collisions, warnings and the plan document, in a scripted account."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from support.forecast import ScriptedAccount, forecast_for, planned, refusal

from checks.apply.forecast.model import (
    Collision,
    Forecast,
    ForecastWarning,
    NotChecked,
    ProtectedResource,
    QuotaNeed,
    plan_document,
)
from checks.apply.plan.model import Plan
from checks.aws.botocore_session import CredentialSource
from checks.finding import CheckState

POLICY = planned("aws_iam_policy", after={"name": "prod-policy"})
POLICY_THERE = {"Policies": [{"PolicyName": "PROD-policy", "Arn": "arn:aws:iam::1:policy/team/PROD-policy"}]}


def test_a_policy_collides_whatever_its_path_and_case() -> None:
    seen = forecast_for(ScriptedAccount(list_policies=POLICY_THERE), POLICY)
    (one,) = seen.collisions
    assert (one.address, one.guide) == ("aws_iam_policy.x", ("2.1",))
    assert one.fixes == ("adopt", "delete", "rename", "stop")
    assert one.import_block == (
        'import {\n  to = aws_iam_policy.x\n  id = "arn:aws:iam::1:policy/team/PROD-policy"\n}\n'
    )
    assert seen.state is CheckState.BLOCKED
    assert seen.blocking_ids == ("collision:aws_iam_policy.x",)


def test_a_free_name_is_no_finding() -> None:
    seen = forecast_for(ScriptedAccount(list_policies={"Policies": []}), POLICY)
    assert (seen.collisions, seen.not_checked, seen.state, seen.lookup_count) == ((), (), CheckState.OK, 1)


def test_a_denied_check_is_unknown_and_names_the_action() -> None:
    seen = forecast_for(ScriptedAccount(list_policies=refusal("AccessDenied")), POLICY)
    (one,) = seen.not_checked
    assert one.denied == ("iam:ListPolicies",)
    assert seen.state is CheckState.UNKNOWN


def test_without_credentials_every_service_is_reported_once_and_nothing_is_green() -> None:
    resources = [planned("aws_iam_role", f"r{n}", after={"name": f"r{n}"}) for n in range(20)]
    seen = forecast_for(ScriptedAccount(iam=NoCredentialsError()), *resources)
    assert [one.what for one in seen.not_checked] == ["quotas of IAM", "names in iam"]
    assert seen.state is CheckState.UNKNOWN


def test_a_bucket_of_another_account_can_be_neither_imported_nor_deleted() -> None:
    bucket = planned("aws_s3_bucket", after={"bucket": "images"})
    theirs = forecast_for(ScriptedAccount(list_buckets={"Buckets": []}, head_bucket=refusal("403")), bucket)
    assert theirs.collisions[0].fixes == ("rename", "stop")
    assert theirs.collisions[0].import_block == ""
    free = forecast_for(ScriptedAccount(list_buckets={"Buckets": []}, head_bucket=refusal("404")), bucket)
    assert free.state is CheckState.OK
    ours = forecast_for(ScriptedAccount(list_buckets={"Buckets": [{"Name": "images"}]}), bucket)
    assert "adopt" in ours.collisions[0].fixes


def test_a_bucket_of_which_nothing_can_be_known_is_unknown() -> None:
    bucket = planned("aws_s3_bucket", after={"bucket": "images"})
    seen = forecast_for(ScriptedAccount(list_buckets=refusal("AccessDenied")), bucket)
    assert seen.collisions == ()
    assert seen.not_checked[0].denied == ("s3:ListAllMyBuckets",)


def test_a_name_known_after_the_apply_is_reported_and_a_generated_one_is_not() -> None:
    late = planned("aws_iam_role", "late", unknown={"name": True}, configured=frozenset({"name"}))
    generated = planned("aws_iam_role", "made", unknown={"name": True}, configured=frozenset({"name_prefix"}))
    seen = forecast_for(ScriptedAccount(), late, generated)
    assert [one.address for one in seen.not_checked] == ["aws_iam_role.late"]
    assert seen.state is CheckState.UNKNOWN
    assert seen.sentence == "1 cannot be known before the apply"


def test_one_name_twice_in_the_plan_collides_with_itself() -> None:
    account = ScriptedAccount(list_roles={})
    seen = forecast_for(
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
    assert forecast_for(ScriptedAccount(list_roles=there), first_gone).collisions == ()
    assert len(forecast_for(ScriptedAccount(list_roles=there), first_made).collisions) == 1


def test_a_security_group_in_a_new_vpc_cannot_collide() -> None:
    account = ScriptedAccount(describe_security_groups={"SecurityGroups": [{"GroupId": "sg-1"}]})
    new = planned("aws_security_group", after={"name": "node"}, unknown={"vpc_id": True})
    old = planned("aws_security_group", after={"name": "node", "vpc_id": "vpc-1"})
    assert forecast_for(account, new).collisions == ()
    assert forecast_for(account, old).collisions[0].import_id == "sg-1"


def test_a_parameter_that_may_be_overwritten_is_not_looked_up() -> None:
    account = ScriptedAccount(describe_parameters={"Parameters": [{"Name": "/a", "ARN": "arn:a"}]})
    assert (
        forecast_for(account, planned("aws_ssm_parameter", after={"name": "/a", "overwrite": True})).lookup_count == 0
    )
    assert len(forecast_for(account, planned("aws_ssm_parameter", after={"name": "/a"})).collisions) == 1


def test_a_record_is_compared_with_its_zone_completed_and_its_type() -> None:
    def account(name: str, type_: str) -> ScriptedAccount:
        return ScriptedAccount(
            get_hosted_zone={"HostedZone": {"Name": "example.com."}},
            list_resource_record_sets={"ResourceRecordSets": [{"Name": name, "Type": type_}]},
        )

    short = planned("aws_route53_record", after={"name": "*.api", "type": "A", "zone_id": "Z1"})
    assert (
        forecast_for(account("\\052.api.example.com.", "A"), short).collisions[0].import_id == "Z1_*.api.example.com_A"
    )
    assert forecast_for(account("\\052.api.example.com.", "AAAA"), short).collisions == ()
    assert forecast_for(account("web.example.com.", "A"), short).collisions == ()


def test_an_alias_of_an_existing_distribution_collides() -> None:
    there = {"Id": "E1", "DomainName": "d1.cloudfront.net", "Aliases": {"Items": ["CDN.example.com"]}}
    account = ScriptedAccount(list_distributions={"DistributionList": {"Items": [there]}})
    wanted = planned("aws_cloudfront_distribution", after={"aliases": ["cdn.example.com", "b.example.com"]})
    (one,) = forecast_for(account, wanted).collisions
    assert (one.name, one.import_id) == ("cdn.example.com", "E1")


def test_a_type_without_a_kind_is_reported_once() -> None:
    resources = [planned("aws_strange_thing", f"t{n}", after={"name": f"t{n}"}) for n in range(5)]
    seen = forecast_for(ScriptedAccount(), *resources)
    assert [one.type for one in seen.not_checked] == ["aws_strange_thing"]


# Quotas


def test_the_public_document_has_the_keys_of_the_contract() -> None:
    seen = forecast_for(ScriptedAccount(list_policies=POLICY_THERE), POLICY)
    body = plan_document(Plan(terraform="1", format="1.2", changes=()), seen)
    assert set(body) == {"changes", "quotas", "collisions", "kept", "unknown", "warnings"}
    assert set(body["collisions"][0]) >= {"address", "type", "name", "existing", "ways_out"}


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
    account = ScriptedAccount(
        head_bucket=refusal("404"),
        **{operation: refusal("AccessDenied") for operation in denied},
    )
    seen = forecast_for(account, *resources)
    assert {action for one in seen.not_checked for action in one.denied} == set(denied.values())
    assert all(one.failed for one in seen.not_checked)
    assert seen.state is CheckState.UNKNOWN
    assert seen.collisions == ()


def test_a_partly_unknown_alias_is_reported_and_the_rest_is_looked_up() -> None:
    there = {"Id": "E1", "DomainName": "d1", "Aliases": {"Items": ["cdn.example.com"]}}
    account = ScriptedAccount(list_distributions={"DistributionList": {"Items": [there]}})
    wanted = planned(
        "aws_cloudfront_distribution",
        after={"aliases": ["cdn.example.com", None]},
        unknown={"aliases": [False, True]},
    )
    seen = forecast_for(account, wanted)
    assert [one.import_id for one in seen.collisions] == ["E1"]
    assert [one.address for one in seen.not_checked if not one.failed] == ["aws_cloudfront_distribution.x"]


def test_a_security_group_in_an_unknown_vpc_that_the_plan_does_not_create_is_reported() -> None:
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
    seen = forecast_for(ScriptedAccount(), vpc, new, read)
    assert [one.address for one in seen.not_checked if not one.failed] == ["aws_security_group.read"]


def test_a_name_that_the_same_plan_releases_elsewhere_cannot_be_imported() -> None:
    there = {"Roles": [{"Arn": "arn:aws:iam::1:role/node", "RoleName": "node"}]}
    old = planned("aws_iam_role", "old", actions=("delete",), before={"name": "node"})
    new = planned("aws_iam_role", "new", after={"name": "node"})
    (one,) = forecast_for(ScriptedAccount(list_roles=there), old, new).collisions
    assert one.fixes == ("rename", "stop")
    assert "aws_iam_role.old" in one.existing


def test_a_secret_scheduled_for_deletion_has_to_be_restored() -> None:
    account = ScriptedAccount(describe_secret={"ARN": "arn:s", "DeletedDate": "2026-11-01"})
    (one,) = forecast_for(account, planned("aws_secretsmanager_secret", after={"name": "s"})).collisions
    assert one.fixes == ("restore", "rename", "stop")
    assert one.restore[:3] == ("aws", "secretsmanager", "restore-secret")


def test_a_queue_with_the_same_attributes_is_returned_and_any_other_collides() -> None:
    account = ScriptedAccount(
        get_queue_url={"QueueUrl": "https://q"},
        get_queue_attributes={"Attributes": {"VisibilityTimeout": "30", "QueueArn": "arn:q"}},
    )
    same = planned("aws_sqs_queue", after={"name": "q", "visibility_timeout_seconds": 30})
    other = planned("aws_sqs_queue", after={"name": "q", "visibility_timeout_seconds": 60})
    assert forecast_for(account, same).collisions == ()
    assert "VisibilityTimeout" in forecast_for(account, other).collisions[0].existing


def test_a_placement_group_of_the_name_collides() -> None:
    account = ScriptedAccount(describe_placement_groups={"PlacementGroups": [{"GroupArn": "arn:pg"}]})
    assert forecast_for(account, planned("aws_placement_group", after={"name": "pg"})).collisions[0].import_id == "pg"


# What AWS does not refuse


def test_a_second_zone_of_a_domain_is_a_warning() -> None:
    zones = [{"Id": "/hostedzone/Z1", "Name": "example.com.", "Config": {"PrivateZone": False}}]
    account = ScriptedAccount(
        list_hosted_zones={"HostedZones": zones},
        get_account_limit={"Limit": {"Value": 500}, "Count": 1},
    )
    seen = forecast_for(account, planned("aws_route53_zone", after={"name": "Example.com"}))
    assert seen.collisions == ()
    assert "Z1" in seen.warnings[0].why
    assert seen.state is CheckState.WARN
    private = planned("aws_route53_zone", after={"name": "example.com", "vpc": [{"vpc_id": "v"}]})
    assert forecast_for(account, private).warnings == ()


@pytest.mark.parametrize(("left", "warns"), [(60.0, True), (700.0, True), (7200.0, False), (None, False)])
def test_credentials_that_expire_during_the_apply_are_a_warning(left: float | None, warns: bool) -> None:
    account = ScriptedAccount()
    expires = None if left is None else time.time() + left
    account.__dict__["credential_source"] = lambda: CredentialSource(method="sso", profile="p", expires=expires)
    seen = forecast_for(account, planned("aws_eks_cluster", after={"name": "c"}))
    assert any("credentials" in one.what for one in seen.warnings) is warns


def test_a_left_validation_record_is_a_warning_where_it_cannot_be_overwritten() -> None:
    left = {
        "Name": "_abc.example.com.",
        "Type": "CNAME",
        "ResourceRecords": [{"Value": "_def.acm-validations.aws."}],
    }
    account = ScriptedAccount(list_resource_record_sets={"ResourceRecordSets": [left]})
    words: dict[str, Any] = {
        "unknown": {"name": True},
        "sources": {"name": {"aws_acm_certificate.cdn"}},
    }
    seen = forecast_for(account, planned("aws_route53_record", after={"zone_id": "Z1", "type": "CNAME"}, **words))
    assert "_abc.example.com" in seen.warnings[0].why
    after = {"zone_id": "Z1", "allow_overwrite": True}
    assert forecast_for(account, planned("aws_route53_record", after=after, **words)).warnings == ()


def test_a_second_origin_access_identity_of_one_comment_is_a_warning() -> None:
    items = [{"Id": "E1", "Comment": "images"}, {"Id": "E2", "Comment": "other"}]
    account = ScriptedAccount(
        list_cloud_front_origin_access_identities={"CloudFrontOriginAccessIdentityList": {"Items": items}}
    )
    seen = forecast_for(account, planned("aws_cloudfront_origin_access_identity", after={"comment": "images"}))
    assert seen.collisions == ()
    assert "E1 has that comment" in seen.warnings[0].why
    free = planned("aws_cloudfront_origin_access_identity", after={"comment": "new"})
    assert forecast_for(account, free).warnings == ()


def test_the_public_document_has_every_key_of_every_row() -> None:
    protected = ProtectedResource(address="a.b", type="a", name="b", why="it is protected")
    forecast = Forecast(
        quotas=(
            QuotaNeed(code="L-1", service="ec2", title="t", limit=None, used=1.0, needed=2.0, state=CheckState.UNKNOWN),
        ),
        collisions=(Collision(address="a.b", type="a", name="b", existing="b-1", fixes=("rename",)),),
        protected=(protected,),
        not_checked=(NotChecked(what="name", why="denied"),),
        warnings=(ForecastWarning(what="w", why="y"),),
    )
    document = plan_document(Plan(terraform="1", format="1.2", changes=()), forecast)
    assert json.loads(json.dumps(document)) == {
        "changes": [],
        "quotas": [
            {"code": "L-1", "limit": None, "used": 1.0, "needed": 2.0, "state": "unknown", "title": "t", "region": ""}
        ],
        "collisions": [
            {
                "address": "a.b",
                "type": "a",
                "name": "b",
                "existing": "b-1",
                "ways_out": ["rename"],
                "import_id": "",
                "guide": [],
                "place": "",
            }
        ],
        "kept": [{"address": "a.b", "type": "a", "name": "b", "why": "it is protected", "place": ""}],
        "unknown": [{"address": "", "type": "", "what": "name", "why": "denied", "denied": []}],
        "warnings": [{"address": "", "type": "", "what": "w", "why": "y"}],
    }
