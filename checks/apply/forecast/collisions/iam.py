"""Names in IAM. They are unique in the account whatever their path, and whatever the case of their letters."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource


def _find_policy(query: CollisionQuery) -> ExistingResource | None:
    # By listing: get_policy needs the path, and a policy of another path collides too.
    for policy in query.list_items("iam", "list_policies", "Policies", Scope="Local"):
        if policy["PolicyName"].lower() == query.name.lower():
            return ExistingResource(id=policy["Arn"], import_id=policy["Arn"])
    return None


def _listing_finder(operation: str, key: str, name_field: str) -> Callable[[CollisionQuery], ExistingResource | None]:
    # By listing, for names of another case: one that is read by its name is looked for as it is written.
    def find(ask: CollisionQuery) -> ExistingResource | None:
        for one in ask.list_items("iam", operation, key, PaginationConfig={"PageSize": 1000}):
            if one[name_field].lower() == ask.name.lower():
                return ExistingResource(id=one["Arn"], import_id=one[name_field])
        return None

    return find


def _find_oidc_provider(query: CollisionQuery) -> ExistingResource | None:
    host = query.name.removeprefix("https://").rstrip("/").lower()
    for provider in query.list_items("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = provider["Arn"]
        if arn.partition(":oidc-provider/")[2].lower() == host:
            return ExistingResource(id=arn, import_id=arn)
    return None


def _find_service_linked_role(query: CollisionQuery) -> ExistingResource | None:
    # Its name is AWS's choice, one a service (and suffix): the path tells which service it is for.
    suffix = query.planned.known_text("custom_suffix") or ""
    for role in query.list_items("iam", "list_roles", "Roles", PathPrefix=f"/aws-service-role/{query.name}/"):
        if role["RoleName"].endswith(f"_{suffix}") if suffix else "_" not in role["RoleName"]:
            return ExistingResource(id=role["Arn"], import_id=role["Arn"], name=role["RoleName"])
    return None


def _find_saml_provider(query: CollisionQuery) -> ExistingResource | None:
    for provider in query.list_items("iam", "list_saml_providers", "SAMLProviderList"):
        if provider["Arn"].rpartition("/")[2] == query.name:
            return ExistingResource(id=provider["Arn"], import_id=provider["Arn"])
    return None


def _find_server_certificate(query: CollisionQuery) -> ExistingResource | None:
    for one in query.list_items("iam", "list_server_certificates", "ServerCertificateMetadataList"):
        if one["ServerCertificateName"].lower() == query.name.lower():
            return ExistingResource(id=one["Arn"], import_id=one["ServerCertificateName"])
    return None


def _iam_kind(
    type_: str, find_existing: Callable[[CollisionQuery], ExistingResource | None], action: str, attribute: str = "name"
) -> CollisionKind:
    return CollisionKind(
        type=type_,
        find_existing=find_existing,
        action=action,
        service="iam",
        attribute=attribute,
        guide=("2.1",),
        is_global=True,
        ignores_case=True,
    )


KINDS = (
    _iam_kind("aws_iam_policy", _find_policy, "iam:ListPolicies"),
    _iam_kind("aws_iam_role", _listing_finder("list_roles", "Roles", "RoleName"), "iam:ListRoles"),
    _iam_kind(
        "aws_iam_instance_profile",
        _listing_finder("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "iam:ListInstanceProfiles",
    ),
    _iam_kind("aws_iam_user", _listing_finder("list_users", "Users", "UserName"), "iam:ListUsers"),
    _iam_kind("aws_iam_group", _listing_finder("list_groups", "Groups", "GroupName"), "iam:ListGroups"),
    _iam_kind("aws_iam_openid_connect_provider", _find_oidc_provider, "iam:ListOpenIDConnectProviders", "url"),
    _iam_kind("aws_iam_service_linked_role", _find_service_linked_role, "iam:ListRoles", "aws_service_name"),
    _iam_kind("aws_iam_saml_provider", _find_saml_provider, "iam:ListSAMLProviders"),
    _iam_kind("aws_iam_server_certificate", _find_server_certificate, "iam:ListServerCertificates"),
)
