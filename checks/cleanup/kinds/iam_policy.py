"""IAM policies of the account. One can be deleted only when it is attached to no role, user or group, serves nobody as a
permissions boundary, and has no other version than the default one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, Refused, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # Scope=Local: the policies that AWS manages are not ours and are never even listed.
    listed = list(asking.pages("iam", "list_policies", "Policies", Scope="Local"))
    return asking.each(lambda policy: _seen(asking, policy), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        policy = asking.client("iam").get_policy(PolicyArn=id)["Policy"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, policy)


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    iam, arn = asking.client("iam"), seen.id
    if iam.get_policy(PolicyArn=arn)["Policy"].get("PermissionsBoundaryUsageCount", 0):
        boundaries = _entities(asking, arn, "PermissionsBoundary")
        raise Refused(f"it is the permissions boundary of {', '.join(boundaries)}")
    for entity in _entities(asking, arn, "PermissionsPolicy"):
        what, _, name = entity.partition(" ")
        task.say(f"detaching from {entity}")
        detach = getattr(iam, f"detach_{what}_policy")
        _unless_missing(detach, **{f"{what.capitalize()}Name": name, "PolicyArn": arn})
    for version in asking.pages("iam", "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            _unless_missing(iam.delete_policy_version, PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def _seen(asking: Asking, policy: dict[str, Any]) -> Seen:
    arn = policy["Arn"]
    # ListPolicies never tells the tags.
    tags = tags_of(policy.get("Tags")) or asking.tags(
        "iam:ListPolicyTags",
        lambda: tags_of(asking.client("iam").list_policy_tags(PolicyArn=arn).get("Tags")),
    )
    uses: tuple[str, ...] = ()
    if policy.get("AttachmentCount", 0) or policy.get("PermissionsBoundaryUsageCount", 0):
        uses = asking.attempt(
            "iam:ListEntitiesForPolicy", lambda: tuple(_entities(asking, arn, "PermissionsPolicy")), ()
        )
    return Seen(
        kind="iam-policy",
        id=arn,
        name=policy["PolicyName"],
        arn=arn,
        tags=tags,
        created=epoch(policy.get("CreateDate")),
        size=f"attached to {len(uses)}" if uses else "not attached",
        uses=uses,
        identity=(policy["PolicyId"],),
        blocked_by=tuple(f"iam-role:{use.removeprefix('role ')}" for use in uses if use.startswith("role ")),
        guarded="managed by AWS" if ":iam::aws:policy/" in arn else "",
    )


def _entities(asking: Asking, arn: str, usage: str) -> list[str]:
    """`role NAME`, `user NAME`, `group NAME` of everything that it is attached to."""
    found = []
    pages = asking.client("iam").get_paginator("list_entities_for_policy")
    for page in pages.paginate(PolicyArn=arn, PolicyUsageFilter=usage):
        found += [f"role {entity['RoleName']}" for entity in page.get("PolicyRoles", ())]
        found += [f"user {entity['UserName']}" for entity in page.get("PolicyUsers", ())]
        found += [f"group {entity['GroupName']}" for entity in page.get("PolicyGroups", ())]
    return found


def _unless_missing(call: Any, **parameters: str) -> None:
    try:
        call(**parameters)
    except Exception as error:
        if not is_missing(error):
            raise
