"""OIDC identity providers of the account. One that a role still trusts is kept: without it nobody could assume the role."""

from __future__ import annotations

import json
from collections.abc import Iterable

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # list_open_id_connect_providers has no pages: it answers with all of them.
    listed = query.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arns = [found["Arn"] for found in listed]
    trusting = _roles_by_provider(query) if arns else {}
    seen = query.map_parallel(
        lambda arn: query.call_or_default(
            "iam:GetOpenIDConnectProvider", lambda: _build_resource(query, arn, trusting), None
        ),
        arns,
    )
    return [one for one in seen if one]


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    return _build_resource(query, id, _roles_by_provider(query))


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.uses:
        raise ResourceInUse(f"still trusted by {', '.join(resource.uses)}")
    query.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=resource.id)


def _build_resource(query: AwsQuery, arn: str, roles_by_provider: dict[str, list[str]]) -> AwsResource | None:
    iam = query.client("iam")
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    url = found.get("Url", "") or arn.partition("oidc-provider/")[2]
    tags = parse_tags(found.get("Tags"))
    if not tags:
        tags = query.read_tags(
            "iam:ListOpenIDConnectProviderTags",
            lambda: parse_tags(iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn).get("Tags")),
        )
    roles = roles_by_provider.get(arn, [])
    return AwsResource(
        kind="oidc-provider",
        id=arn,
        name=url,
        arn=arn,
        domains=(url.partition("/")[0],),
        tags=tags,
        created_at=epoch_seconds(found.get("CreateDate")),
        size=f"{len(found.get('ClientIDList', ()))} audiences",
        uses=tuple(f"role {role}" for role in roles),
        identity=(arn, str(epoch_seconds(found.get("CreateDate")))),
        blocked_by=tuple(f"iam-role:{role}" for role in roles),
    )


def _roles_by_provider(query: AwsQuery) -> dict[str, list[str]]:
    """ARN of a provider to the roles whose trust policy names it."""
    nothing: list[tuple[str, str]] = []
    roles = query.call_or_default(
        "iam:ListRoles",
        lambda: [
            (str(role["RoleName"]), json.dumps(role.get("AssumeRolePolicyDocument", {})))
            for role in query.list_items("iam", "list_roles", "Roles")
        ],
        nothing,
    )
    found: dict[str, list[str]] = {}
    for name, document in roles:
        for word in document.split('"'):
            if ":oidc-provider/" in word:
                found.setdefault(word, []).append(name)
    return found
