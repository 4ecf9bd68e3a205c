"""Names in IAM. They are unique in the account whatever their path, and whatever the case of their letters."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.collision import Existing, Kind, Question


def _policy(ask: Question) -> Existing | None:
    # By listing: get_policy needs the path, and a policy of another path collides too.
    for policy in ask.items("iam", "list_policies", "Policies", Scope="Local"):
        if policy["PolicyName"].lower() == ask.name.lower():
            return Existing(id=policy["Arn"], import_id=policy["Arn"])
    return None


def _listed(operation: str, key: str, word: str) -> Callable[[Question], Existing | None]:
    # By listing, for names of another case: one that is read by its name is looked for as it is written.
    def find(ask: Question) -> Existing | None:
        for one in ask.items("iam", operation, key, PaginationConfig={"PageSize": 1000}):
            if one[word].lower() == ask.name.lower():
                return Existing(id=one["Arn"], import_id=one[word])
        return None

    return find


def _oidc_provider(ask: Question) -> Existing | None:
    host = ask.name.removeprefix("https://").rstrip("/").lower()
    for provider in ask.items("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = provider["Arn"]
        if arn.partition(":oidc-provider/")[2].lower() == host:
            return Existing(id=arn, import_id=arn)
    return None


def _linked_role(ask: Question) -> Existing | None:
    # Its name is AWS's choice, one a service (and suffix): the path tells which service it is for.
    suffix = ask.planned.value("custom_suffix") or ""
    for role in ask.items("iam", "list_roles", "Roles", PathPrefix=f"/aws-service-role/{ask.name}/"):
        if role["RoleName"].endswith(f"_{suffix}") if suffix else "_" not in role["RoleName"]:
            return Existing(id=role["Arn"], import_id=role["Arn"], name=role["RoleName"])
    return None


def _saml_provider(ask: Question) -> Existing | None:
    for provider in ask.items("iam", "list_saml_providers", "SAMLProviderList"):
        if provider["Arn"].rpartition("/")[2] == ask.name:
            return Existing(id=provider["Arn"], import_id=provider["Arn"])
    return None


def _certificate(ask: Question) -> Existing | None:
    for one in ask.items("iam", "list_server_certificates", "ServerCertificateMetadataList"):
        if one["ServerCertificateName"].lower() == ask.name.lower():
            return Existing(id=one["Arn"], import_id=one["ServerCertificateName"])
    return None


def _iam(
    type_: str, find: Callable[[Question], Existing | None], action: str, attribute: str = "name"
) -> Kind:
    return Kind(
        type=type_,
        find=find,
        action=action,
        service="iam",
        attribute=attribute,
        guide=("2.1",),
        worldwide=True,
        fold=True,
    )


KINDS = (
    _iam("aws_iam_policy", _policy, "iam:ListPolicies"),
    _iam("aws_iam_role", _listed("list_roles", "Roles", "RoleName"), "iam:ListRoles"),
    _iam(
        "aws_iam_instance_profile",
        _listed("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "iam:ListInstanceProfiles",
    ),
    _iam("aws_iam_user", _listed("list_users", "Users", "UserName"), "iam:ListUsers"),
    _iam("aws_iam_group", _listed("list_groups", "Groups", "GroupName"), "iam:ListGroups"),
    _iam("aws_iam_openid_connect_provider", _oidc_provider, "iam:ListOpenIDConnectProviders", "url"),
    _iam("aws_iam_service_linked_role", _linked_role, "iam:ListRoles", "aws_service_name"),
    _iam("aws_iam_saml_provider", _saml_provider, "iam:ListSAMLProviders"),
    _iam("aws_iam_server_certificate", _certificate, "iam:ListServerCertificates"),
)
