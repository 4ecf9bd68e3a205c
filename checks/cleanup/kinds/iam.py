"""IAM policies of the account. One can be deleted only when it is attached to no role, user or group, serves nobody as a
permissions boundary, and has no other version than the default one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, DeletionRefused, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # Scope=Local: the policies that AWS manages are not ours and are never even listed.
    listed = list(query.list_items("iam", "list_policies", "Policies", Scope="Local"))
    return query.map_parallel(lambda policy: _build_resource(query, policy), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        policy = query.client("iam").get_policy(PolicyArn=id)["Policy"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, policy)


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    iam, arn = query.client("iam"), resource.id
    if iam.get_policy(PolicyArn=arn)["Policy"].get("PermissionsBoundaryUsageCount", 0):
        boundaries = _list_attached_entities(query, arn, "PermissionsBoundary")
        raise DeletionRefused(f"it is the permissions boundary of {', '.join(boundaries)}")
    for entity in _list_attached_entities(query, arn, "PermissionsPolicy"):
        what, _, name = entity.partition(" ")
        task.report_progress(f"detaching from {entity}")
        detach = getattr(iam, f"detach_{what}_policy")
        _call_unless_not_found(detach, **{f"{what.capitalize()}Name": name, "PolicyArn": arn})
    for version in query.list_items("iam", "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            _call_unless_not_found(iam.delete_policy_version, PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def _build_resource(query: AwsQuery, policy: dict[str, Any]) -> AwsResource:
    arn = policy["Arn"]
    # ListPolicies never tells the tags.
    tags = parse_tags(policy.get("Tags")) or query.read_tags(
        "iam:ListPolicyTags",
        lambda: parse_tags(query.client("iam").list_policy_tags(PolicyArn=arn).get("Tags")),
    )
    uses: tuple[str, ...] = ()
    if policy.get("AttachmentCount", 0) or policy.get("PermissionsBoundaryUsageCount", 0):
        uses = query.call_or_default(
            "iam:ListEntitiesForPolicy", lambda: tuple(_list_attached_entities(query, arn, "PermissionsPolicy")), ()
        )
    return AwsResource(
        kind="iam-policy",
        id=arn,
        name=policy["PolicyName"],
        arn=arn,
        tags=tags,
        created_at=epoch_seconds(policy.get("CreateDate")),
        size=f"attached to {len(uses)}" if uses else "not attached",
        uses=uses,
        identity=(policy["PolicyId"],),
        blocked_by=tuple(f"iam-role:{use.removeprefix('role ')}" for use in uses if use.startswith("role ")),
        protection_reason="managed by AWS" if ":iam::aws:policy/" in arn else "",
    )


def _list_attached_entities(query: AwsQuery, arn: str, usage: str) -> list[str]:
    """`role NAME`, `user NAME`, `group NAME` of everything that it is attached to."""
    found = []
    pages = query.client("iam").get_paginator("list_entities_for_policy")
    for page in pages.paginate(PolicyArn=arn, PolicyUsageFilter=usage):
        found += [f"role {entity['RoleName']}" for entity in page.get("PolicyRoles", ())]
        found += [f"user {entity['UserName']}" for entity in page.get("PolicyUsers", ())]
        found += [f"group {entity['GroupName']}" for entity in page.get("PolicyGroups", ())]
    return found


def _call_unless_not_found(call: Any, **parameters: str) -> None:
    try:
        call(**parameters)
    except Exception as error:
        if not is_not_found(error):
            raise
