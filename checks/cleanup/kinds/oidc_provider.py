"""OIDC identity providers of the account. One that a role still trusts is kept: without it nobody could assume the role."""

from __future__ import annotations

import json
from collections.abc import Iterable

from checks.cleanup.aws_query import Asking, InUse, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # list_open_id_connect_providers has no pages: it answers with all of them.
    listed = asking.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arns = [found["Arn"] for found in listed]
    trusting = _trusting(asking) if arns else {}
    seen = asking.each(
        lambda arn: asking.attempt(
            "iam:GetOpenIDConnectProvider", lambda: _seen(asking, arn, trusting), None
        ),
        arns,
    )
    return [one for one in seen if one]


def again(asking: Asking, id: str, region: str) -> Seen | None:
    return _seen(asking, id, _trusting(asking))


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.uses:
        raise InUse(f"still trusted by {', '.join(seen.uses)}")
    asking.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=seen.id)


def _seen(asking: Asking, arn: str, trusting: dict[str, list[str]]) -> Seen | None:
    iam = asking.client("iam")
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except Exception as error:
        if is_missing(error):
            return None
        raise
    url = found.get("Url", "") or arn.partition("oidc-provider/")[2]
    tags = tags_of(found.get("Tags"))
    if not tags:
        tags = asking.tags(
            "iam:ListOpenIDConnectProviderTags",
            lambda: tags_of(iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn).get("Tags")),
        )
    roles = trusting.get(arn, [])
    return Seen(
        kind="oidc-provider",
        id=arn,
        name=url,
        arn=arn,
        domains=(url.partition("/")[0],),
        tags=tags,
        created=epoch(found.get("CreateDate")),
        size=f"{len(found.get('ClientIDList', ()))} audiences",
        uses=tuple(f"role {role}" for role in roles),
        identity=(arn, str(epoch(found.get("CreateDate")))),
        blocked_by=tuple(f"iam-role:{role}" for role in roles),
    )


def _trusting(asking: Asking) -> dict[str, list[str]]:
    """ARN of a provider to the roles whose trust policy names it."""
    nothing: list[tuple[str, str]] = []
    roles = asking.attempt(
        "iam:ListRoles",
        lambda: [
            (str(role["RoleName"]), json.dumps(role.get("AssumeRolePolicyDocument", {})))
            for role in asking.pages("iam", "list_roles", "Roles")
        ],
        nothing,
    )
    found: dict[str, list[str]] = {}
    for name, document in roles:
        for word in document.split('"'):
            if ":oidc-provider/" in word:
                found.setdefault(word, []).append(name)
    return found
