"""Instance profiles. One can be deleted only when no role is in it; an instance that runs with it loses its role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    listed = list(asking.pages("iam", "list_instance_profiles", "InstanceProfiles"))
    return asking.each(lambda profile: _seen(asking, profile), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        profile = asking.client("iam").get_instance_profile(InstanceProfileName=id)["InstanceProfile"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, profile)


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    iam = asking.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=seen.id)["InstanceProfile"]
    for role in profile.get("Roles", ()):
        try:
            iam.remove_role_from_instance_profile(InstanceProfileName=seen.id, RoleName=role["RoleName"])
        except Exception as error:
            if not is_missing(error):
                raise
    iam.delete_instance_profile(InstanceProfileName=seen.id)


def _seen(asking: Asking, profile: dict[str, Any]) -> Seen:
    name = profile["InstanceProfileName"]
    tags = tags_of(profile.get("Tags"))
    if not tags:
        tags = asking.tags(
            "iam:ListInstanceProfileTags",
            lambda: tags_of(
                asking.client("iam").list_instance_profile_tags(InstanceProfileName=name).get("Tags")
            ),
        )
    return Seen(
        kind="instance-profile",
        id=name,
        name=name,
        arn=profile["Arn"],
        tags=tags,
        created=epoch(profile.get("CreateDate")),
        uses=tuple(f"role {role['RoleName']}" for role in profile.get("Roles", ())),
        identity=(profile["InstanceProfileId"],),
    )
