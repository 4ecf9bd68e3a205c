"""Instance profiles. One can be deleted only when no role is in it; an instance that runs with it loses its role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("iam", "list_instance_profiles", "InstanceProfiles"))
    return query.map_parallel(lambda profile: _build_resource(query, profile), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        profile = query.client("iam").get_instance_profile(InstanceProfileName=id)["InstanceProfile"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, profile)


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    iam = query.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=resource.id)["InstanceProfile"]
    for role in profile.get("Roles", ()):
        try:
            iam.remove_role_from_instance_profile(InstanceProfileName=resource.id, RoleName=role["RoleName"])
        except Exception as error:
            if not is_not_found(error):
                raise
    iam.delete_instance_profile(InstanceProfileName=resource.id)


def _build_resource(query: AwsQuery, profile: dict[str, Any]) -> AwsResource:
    name = profile["InstanceProfileName"]
    tags = parse_tags(profile.get("Tags"))
    if not tags:
        tags = query.read_tags(
            "iam:ListInstanceProfileTags",
            lambda: parse_tags(query.client("iam").list_instance_profile_tags(InstanceProfileName=name).get("Tags")),
        )
    return AwsResource(
        kind="instance-profile",
        id=name,
        name=name,
        arn=profile["Arn"],
        tags=tags,
        created_at=epoch_seconds(profile.get("CreateDate")),
        uses=tuple(f"role {role['RoleName']}" for role in profile.get("Roles", ())),
        identity=(profile["InstanceProfileId"],),
    )
