"""Security groups of the region. Groups whose rules name one another cannot go one by one: each first drops its own
rules that name another group. A rule of a group that is not approved is never touched."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from checks.cleanup.aws_query import CONFLICTS, Asking, InUse, code, is_missing, tags_of
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    for group in asking.pages("ec2", "describe_security_groups", "SecurityGroups"):
        yield _seen(group, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    group = _group(asking, id, region)
    return _seen(group, region) if group else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    ec2 = asking.client("ec2", seen.region)
    group = _group(asking, seen.id, seen.region)
    if group is None:
        return
    for rules, revoke in (
        (group.get("IpPermissions", ()), ec2.revoke_security_group_ingress),
        (group.get("IpPermissionsEgress", ()), ec2.revoke_security_group_egress),
    ):
        naming = [_only_groups(rule) for rule in rules if rule.get("UserIdGroupPairs")]
        if naming:
            task.say("dropping its rules that name other groups")
            try:
                revoke(GroupId=seen.id, IpPermissions=naming)
            except Exception as error:
                # The other group, or the rule, went in the meantime: then nothing is left to drop. Whether this
                # group is still held is for the deletion below to say.
                if not is_missing(error):
                    raise
    try:
        with vpc_shared.holders_named(asking, seen.region, "group-id", seen.id):
            ec2.delete_security_group(GroupId=seen.id)
    except Exception as error:
        if code(error) in CONFLICTS and (rules := _rules_naming(asking, seen)):
            raise InUse(f"still named by a rule of {', '.join(rules)}") from error
        raise


def _rules_naming(asking: Asking, seen: Seen) -> list[str]:
    """The groups one of whose rules names this one; empty when we may not look."""

    def ask(by: str) -> list[str]:
        filters = [{"Name": by, "Values": [seen.id]}]
        return [
            f"{group['GroupName']} ({group['GroupId']})"
            for group in asking.pages(
                "ec2", "describe_security_groups", "SecurityGroups", region=seen.region, Filters=filters
            )
        ]

    found: list[str] = []
    for by in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        found += asking.attempt("ec2:DescribeSecurityGroups", partial(ask, by), [])
    return list(dict.fromkeys(found))


def _group(asking: Asking, id: str, region: str) -> dict[str, Any] | None:
    try:
        groups = asking.client("ec2", region).describe_security_groups(GroupIds=[id])["SecurityGroups"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return groups[0] if groups else None


def _only_groups(rule: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    pairs = [
        {key: pair[key] for key in ("GroupId", "UserId") if key in pair} for pair in rule["UserIdGroupPairs"]
    ]
    return {**kept, "UserIdGroupPairs": pairs}


def _seen(group: dict[str, Any], region: str) -> Seen:
    return Seen(
        kind="security-group",
        id=group["GroupId"],
        name=group["GroupName"],
        region=region,
        aliases=(group["GroupId"],),
        tags=tags_of(group.get("Tags")),
        state=group.get("VpcId", ""),
        identity=(group["GroupId"], group["GroupName"]),
        blocks=(f"vpc:{group['VpcId']}",) if group.get("VpcId") else (),
        guarded="the default group of its VPC" if group["GroupName"] == "default" else "",
    )
