"""Collisions of IAM. Names are unique in the account whatever their path, and whatever the case of their letters.

All are looked up in listings: a Get call needs the path, and finds a name only as it is written.
"""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import (
    CollisionKind,
    CollisionQuery,
    ExistingResource,
    Finder,
    find_in_listing,
)


def _find_oidc_provider(query: CollisionQuery) -> ExistingResource | None:
    host = query.name.removeprefix("https://").rstrip("/").lower()
    for provider in query.list_items("list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = provider["Arn"]
        if arn.partition(":oidc-provider/")[2].lower() == host:
            return ExistingResource(id=arn, import_id=arn)
    return None


def _find_service_linked_role(query: CollisionQuery) -> ExistingResource | None:
    # Its name is AWS's choice, one a service (and suffix): the path names the service.
    suffix = query.planned.known_text("custom_suffix") or ""
    for role in query.list_items("list_roles", "Roles", PathPrefix=f"/aws-service-role/{query.name}/"):
        if role["RoleName"].endswith(f"_{suffix}") if suffix else "_" not in role["RoleName"]:
            return ExistingResource(id=role["Arn"], import_id=role["Arn"], name=role["RoleName"])
    return None


def _find_saml_provider(query: CollisionQuery) -> ExistingResource | None:
    for provider in query.list_items("list_saml_providers", "SAMLProviderList"):
        if provider["Arn"].rpartition("/")[2] == query.name:
            return ExistingResource(id=provider["Arn"], import_id=provider["Arn"])
    return None


def _find_by_name(operation: str, key: str, name_field: str) -> Finder:
    words = {"PaginationConfig": {"PageSize": 1000}}
    return find_in_listing(operation, key, name_field, "Arn", name_field, ignores_case=True, **words)


def _iam_kind(
    type_: str, find_existing: Finder, action: str, attribute: str = "name", key_attributes: tuple[str, ...] = ()
) -> CollisionKind:
    return CollisionKind(
        type_,
        find_existing,
        action,
        "iam",
        attribute=attribute,
        guide=("2.1",),
        is_global=True,
        ignores_case=True,
        key_attributes=key_attributes,
    )


KINDS = (
    _iam_kind(
        "aws_iam_policy",
        find_in_listing("list_policies", "Policies", "PolicyName", "Arn", "Arn", ignores_case=True, Scope="Local"),
        "iam:ListPolicies",
    ),
    _iam_kind("aws_iam_role", _find_by_name("list_roles", "Roles", "RoleName"), "iam:ListRoles"),
    _iam_kind(
        "aws_iam_instance_profile",
        _find_by_name("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "iam:ListInstanceProfiles",
    ),
    _iam_kind("aws_iam_user", _find_by_name("list_users", "Users", "UserName"), "iam:ListUsers"),
    _iam_kind("aws_iam_group", _find_by_name("list_groups", "Groups", "GroupName"), "iam:ListGroups"),
    _iam_kind("aws_iam_openid_connect_provider", _find_oidc_provider, "iam:ListOpenIDConnectProviders", "url"),
    _iam_kind(
        "aws_iam_service_linked_role",
        _find_service_linked_role,
        "iam:ListRoles",
        "aws_service_name",
        key_attributes=("custom_suffix",),
    ),
    _iam_kind("aws_iam_saml_provider", _find_saml_provider, "iam:ListSAMLProviders"),
    _iam_kind(
        "aws_iam_server_certificate",
        _find_by_name("list_server_certificates", "ServerCertificateMetadataList", "ServerCertificateName"),
        "iam:ListServerCertificates",
    ),
)
