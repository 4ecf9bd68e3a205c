"""IAM of the account: instance profiles, roles, policies and OIDC identity providers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds, parse_tags
from checks.cleanup.leftover_kind import DeletionRefused, DeletionTask, LeftoverKind, ResourceInUse
from checks.cleanup.model import AwsResource


def _read_tags(query: AwsQuery, item: dict[str, Any], action: str, operation: str, **name: str) -> dict[str, str]:
    """The tags; the lists of IAM never have them, then `operation` asks for them."""
    return parse_tags(item.get("Tags")) or query.read_tags(
        action, lambda: parse_tags(getattr(query.client("iam"), operation)(**name).get("Tags"))
    )


def _refuse_new_uses(resource: AwsResource, uses: list[str]) -> None:
    """Raises ResourceInUse for a use that was not there when the resource was compared with its approval.

    The next try reads it again, and compares again.
    """
    if new := sorted(set(uses) - set(resource.uses)):
        raise ResourceInUse(f"in use since it was checked: {', '.join(new)}")


def _list_profiles(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("iam", "list_instance_profiles", "InstanceProfiles"))
    return query.map_parallel(partial(_build_profile, query), listed)


def _read_profile(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("iam").get_instance_profile, InstanceProfileName=id)
    return _build_profile(query, answer["InstanceProfile"]) if answer else None


def _delete_profile(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """A profile can be deleted only when no role is in it; an instance that runs with it loses its role."""
    iam = query.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=resource.id)["InstanceProfile"]
    for role in profile.get("Roles", ()):
        allow_missing(iam.remove_role_from_instance_profile, InstanceProfileName=resource.id, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=resource.id)


def _build_profile(query: AwsQuery, item: dict[str, Any]) -> AwsResource:
    name = item["InstanceProfileName"]
    return AwsResource(
        kind="instance-profile",
        id=name,
        name=name,
        arn=item["Arn"],
        tags=_read_tags(
            query,
            item,
            "iam:ListInstanceProfileTags",
            "list_instance_profile_tags",
            InstanceProfileName=name,
        ),
        created_at=epoch_seconds(item.get("CreateDate")),
        uses=tuple(f"role {role['RoleName']}" for role in item.get("Roles", ())),
        identity=(item["InstanceProfileId"],),
    )


def _list_roles(query: AwsQuery) -> Iterable[AwsResource]:
    # Roles of AWS services are left out before a query is spent on them.
    listed = [item for item in query.list_items("iam", "list_roles", "Roles") if not _aws_role_protection(item)]
    return query.map_parallel(partial(_build_role, query), listed)


def _read_role(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("iam").get_role, RoleName=id)
    return _build_role(query, answer["Role"]) if answer else None


def _delete_role(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """A role can be deleted only when it is in no instance profile and has neither attached nor inline policies."""
    iam, name = query.client("iam"), resource.id
    profiles = [
        profile["InstanceProfileName"]
        for profile in query.list_items("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name)
    ]
    _refuse_new_uses(resource, [f"instance profile {profile}" for profile in profiles])
    for profile in profiles:
        task.report_progress(f"removing from instance profile {profile}")
        iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=name)
    for policy in query.list_items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in query.list_items("iam", "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def _build_role(query: AwsQuery, item: dict[str, Any]) -> AwsResource:
    name = item["RoleName"]
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
        arn=item["Arn"],
        tags=_read_tags(query, item, "iam:ListRoleTags", "list_role_tags", RoleName=name),
        created_at=epoch_seconds(item.get("CreateDate")),
        uses=tuple(f"instance profile {profile}" for profile in profiles),
        identity=(item["RoleId"],),
        blocked_by=tuple(f"instance-profile:{profile}" for profile in profiles),
        protection_reason=_aws_role_protection(item),
    )


def _aws_role_protection(item: dict[str, Any]) -> str:
    path = str(item.get("Path", ""))
    if path.startswith("/aws-service-role/") or item["RoleName"].startswith("AWSServiceRole"):
        return "service-linked role: it belongs to an AWS service"
    return "reserved by AWS (IAM Identity Center)" if path.startswith("/aws-reserved/") else ""


def _list_policies(query: AwsQuery) -> Iterable[AwsResource]:
    # Scope=Local: without the policies that AWS manages.
    listed = list(query.list_items("iam", "list_policies", "Policies", Scope="Local"))
    return query.map_parallel(partial(_build_policy, query), listed)


def _read_policy(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("iam").get_policy, PolicyArn=id)
    return _build_policy(query, answer["Policy"]) if answer else None


def _delete_policy(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """A policy can be deleted only when it is attached to no role, user or group, is nobody's permissions boundary,
    and has no other version than the default one."""
    iam, arn = query.client("iam"), resource.id
    if iam.get_policy(PolicyArn=arn)["Policy"].get("PermissionsBoundaryUsageCount", 0):
        boundaries = _list_entities(query, arn, "PermissionsBoundary")
        raise DeletionRefused(f"it is the permissions boundary of {', '.join(boundaries)}")
    entities = _list_entities(query, arn, "PermissionsPolicy")
    _refuse_new_uses(resource, entities)
    for entity in entities:
        type_, _, name = entity.partition(" ")
        task.report_progress(f"detaching from {entity}")
        detach = getattr(iam, f"detach_{type_}_policy")
        allow_missing(detach, **{f"{type_.capitalize()}Name": name, "PolicyArn": arn})
    for version in query.list_items("iam", "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            allow_missing(iam.delete_policy_version, PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def _build_policy(query: AwsQuery, item: dict[str, Any]) -> AwsResource:
    arn = item["Arn"]
    uses: tuple[str, ...] = ()
    if item.get("AttachmentCount", 0) or item.get("PermissionsBoundaryUsageCount", 0):
        uses = query.call_or_default(
            "iam:ListEntitiesForPolicy", lambda: tuple(_list_entities(query, arn, "PermissionsPolicy")), ()
        )
    return AwsResource(
        kind="iam-policy",
        id=arn,
        name=item["PolicyName"],
        arn=arn,
        tags=_read_tags(query, item, "iam:ListPolicyTags", "list_policy_tags", PolicyArn=arn),
        created_at=epoch_seconds(item.get("CreateDate")),
        size=f"attached to {len(uses)}" if uses else "not attached",
        uses=uses,
        identity=(item["PolicyId"],),
        blocked_by=tuple(f"iam-role:{use.removeprefix('role ')}" for use in uses if use.startswith("role ")),
        protection_reason="managed by AWS" if ":iam::aws:policy/" in arn else "",
    )


def _list_entities(query: AwsQuery, arn: str, usage: str) -> list[str]:
    """`role NAME`, `user NAME`, `group NAME` of everything that the policy is attached to."""
    found = []
    pages = query.client("iam").get_paginator("list_entities_for_policy")
    for page in pages.paginate(PolicyArn=arn, PolicyUsageFilter=usage):
        found += [f"role {entity['RoleName']}" for entity in page.get("PolicyRoles", ())]
        found += [f"user {entity['UserName']}" for entity in page.get("PolicyUsers", ())]
        found += [f"group {entity['GroupName']}" for entity in page.get("PolicyGroups", ())]
    return found


def _list_providers(query: AwsQuery) -> Iterable[AwsResource]:
    listed = query.list_items("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList")
    arns = [item["Arn"] for item in listed]
    roles = _roles_by_provider(query) if arns else {}
    found = query.map_parallel(
        lambda arn: query.call_or_default(
            "iam:GetOpenIDConnectProvider", lambda: _build_provider(query, arn, roles), None
        ),
        arns,
    )
    return [one for one in found if one]


def _read_provider(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    return _build_provider(query, id, _roles_by_provider(query))


def _delete_provider(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    # Without its provider nobody could assume the role.
    if resource.uses:
        raise ResourceInUse(f"still trusted by {', '.join(resource.uses)}")
    query.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=resource.id)


def _build_provider(query: AwsQuery, arn: str, roles_by_provider: dict[str, list[str]]) -> AwsResource | None:
    item = allow_missing(query.client("iam").get_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    if item is None:
        return None
    url = item.get("Url", "") or arn.partition("oidc-provider/")[2]
    created = epoch_seconds(item.get("CreateDate"))
    roles = roles_by_provider.get(arn, [])
    return AwsResource(
        kind="oidc-provider",
        id=arn,
        name=url,
        arn=arn,
        domains=(url.partition("/")[0],),
        tags=_read_tags(
            query,
            item,
            "iam:ListOpenIDConnectProviderTags",
            "list_open_id_connect_provider_tags",
            OpenIDConnectProviderArn=arn,
        ),
        created_at=created,
        size=f"{len(item.get('ClientIDList', ()))} audiences",
        uses=tuple(f"role {role}" for role in roles),
        identity=(arn, str(created)),
        blocked_by=tuple(f"iam-role:{role}" for role in roles),
    )


def _roles_by_provider(query: AwsQuery) -> dict[str, list[str]]:
    """ARN of a provider to the roles whose trust policy names it."""
    nothing: list[dict[str, Any]] = []
    roles = query.call_or_default(
        "iam:ListRoles", lambda: list(query.list_items("iam", "list_roles", "Roles")), nothing
    )
    found: dict[str, list[str]] = {}
    for role in roles:
        for word in json.dumps(role.get("AssumeRolePolicyDocument", {})).split('"'):
            if ":oidc-provider/" in word:
                found.setdefault(word, []).append(role["RoleName"])
    return found


KINDS = (
    LeftoverKind(
        id="instance-profile",
        singular="instance profile",
        terraform_types=("aws_iam_instance_profile",),
        list_permission="iam:ListInstanceProfiles",
        list_resources=_list_profiles,
        read_resource=_read_profile,
        delete=_delete_profile,
        guide=("2.1",),
    ),
    LeftoverKind(
        id="iam-role",
        singular="IAM role",
        terraform_types=("aws_iam_role",),
        list_permission="iam:ListRoles",
        list_resources=_list_roles,
        read_resource=_read_role,
        delete=_delete_role,
        action="detach+delete",
        guide=("2.1",),
    ),
    LeftoverKind(
        id="iam-policy",
        singular="IAM policy",
        irregular_plural="IAM policies",
        terraform_types=("aws_iam_policy",),
        list_permission="iam:ListPolicies",
        list_resources=_list_policies,
        read_resource=_read_policy,
        delete=_delete_policy,
        action="detach+delete",
        guide=("2.1",),
    ),
    LeftoverKind(
        id="oidc-provider",
        singular="OIDC provider",
        terraform_types=("aws_iam_openid_connect_provider",),
        list_permission="iam:ListOpenIDConnectProviders",
        list_resources=_list_providers,
        read_resource=_read_provider,
        delete=_delete_provider,
    ),
)
