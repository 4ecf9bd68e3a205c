"""IAM roles. One can be deleted only when it is in no instance profile and has neither attached nor inline policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # Service-linked roles belong to AWS services: they are left out before a question is spent on them.
    listed = [role for role in query.list_items("iam", "list_roles", "Roles") if not _aws_role_protection(role)]
    return query.map_parallel(lambda role: _build_resource(query, role), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        role = query.client("iam").get_role(RoleName=id)["Role"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, role)


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    iam, name = query.client("iam"), resource.id
    for profile in query.list_items("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name):
        task.report_progress(f"removing from instance profile {profile['InstanceProfileName']}")
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    for policy in query.list_items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    # The pager gives names here, not items.
    for inline in query.list_items("iam", "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=str(inline))
    iam.delete_role(RoleName=name)


def _build_resource(query: AwsQuery, role: dict[str, Any]) -> AwsResource:
    name = role["RoleName"]
    iam = query.client("iam")
    tags = parse_tags(role.get("Tags"))
    if not tags:  # list_roles never tells the tags
        tags = query.read_tags("iam:ListRoleTags", lambda: parse_tags(iam.list_role_tags(RoleName=name).get("Tags")))
    none: tuple[str, ...] = ()
    profiles = query.call_or_default(
        "iam:ListInstanceProfilesForRole",
        lambda: tuple(
            str(profile["InstanceProfileName"])
            for profile in query.list_items("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name)
        ),
        none,
    )
    return AwsResource(
        kind="iam-role",
        id=name,
        name=name,
        arn=role["Arn"],
        tags=tags,
        created_at=epoch_seconds(role.get("CreateDate")),
        uses=tuple(f"instance profile {profile}" for profile in profiles),
        identity=(role["RoleId"],),
        blocked_by=tuple(f"instance-profile:{profile}" for profile in profiles),
        protection_reason=_aws_role_protection(role),
    )


def _aws_role_protection(role: dict[str, Any]) -> str:
    if str(role.get("Path", "")).startswith("/aws-service-role/") or role["RoleName"].startswith("AWSServiceRole"):
        return "service-linked role: it belongs to an AWS service"
    if str(role.get("Path", "")).startswith("/aws-reserved/"):
        return "reserved by AWS (IAM Identity Center)"
    return ""
