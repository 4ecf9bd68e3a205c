"""IAM roles. One can be deleted only when it is in no instance profile and has neither attached nor inline policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # Service-linked roles belong to AWS services: they are left out before a question is spent on them.
    listed = [role for role in asking.pages("iam", "list_roles", "Roles") if not _guarded(role)]
    return asking.each(lambda role: _seen(asking, role), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        role = asking.client("iam").get_role(RoleName=id)["Role"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, role)


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    iam, name = asking.client("iam"), seen.id
    for profile in asking.pages("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name):
        task.say(f"removing from instance profile {profile['InstanceProfileName']}")
        iam.remove_role_from_instance_profile(
            InstanceProfileName=profile["InstanceProfileName"], RoleName=name
        )
    for policy in asking.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    # The pager gives names here, not items.
    for inline in asking.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=str(inline))
    iam.delete_role(RoleName=name)


def _seen(asking: Asking, role: dict[str, Any]) -> Seen:
    name = role["RoleName"]
    iam = asking.client("iam")
    tags = tags_of(role.get("Tags"))
    if not tags:  # list_roles never tells the tags
        tags = asking.tags("iam:ListRoleTags", lambda: tags_of(iam.list_role_tags(RoleName=name).get("Tags")))
    none: tuple[str, ...] = ()
    profiles = asking.attempt(
        "iam:ListInstanceProfilesForRole",
        lambda: tuple(
            str(profile["InstanceProfileName"])
            for profile in asking.pages(
                "iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name
            )
        ),
        none,
    )
    return Seen(
        kind="iam-role",
        id=name,
        name=name,
        arn=role["Arn"],
        tags=tags,
        created=epoch(role.get("CreateDate")),
        uses=tuple(f"instance profile {profile}" for profile in profiles),
        identity=(role["RoleId"],),
        blocked_by=tuple(f"instance-profile:{profile}" for profile in profiles),
        guarded=_guarded(role),
    )


def _guarded(role: dict[str, Any]) -> str:
    if str(role.get("Path", "")).startswith("/aws-service-role/") or role["RoleName"].startswith(
        "AWSServiceRole"
    ):
        return "service-linked role: it belongs to an AWS service"
    if str(role.get("Path", "")).startswith("/aws-reserved/"):
        return "reserved by AWS (IAM Identity Center)"
    return ""
