"""Security groups of the region. Groups whose rules name one another cannot go one by one: each first drops its own
rules that name another group. A rule of a group that is not approved is never touched."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from checks.aws.errors import is_in_use, is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, parse_tags
from checks.cleanup.kinds import DeletionTask, ec2_kind
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for group in query.list_items("ec2", "describe_security_groups", "SecurityGroups"):
        yield _build_resource(group, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    group = _read_group(query, id, region)
    return _build_resource(group, region) if group else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    ec2 = query.client("ec2", resource.region)
    group = _read_group(query, resource.id, resource.region)
    if group is None:
        return
    for rules, revoke in (
        (group.get("IpPermissions", ()), ec2.revoke_security_group_ingress),
        (group.get("IpPermissionsEgress", ()), ec2.revoke_security_group_egress),
    ):
        naming = [_only_group_pairs(rule) for rule in rules if rule.get("UserIdGroupPairs")]
        if naming:
            task.report_progress("dropping its rules that name other groups")
            try:
                revoke(GroupId=resource.id, IpPermissions=naming)
            except Exception as error:
                # The other group, or the rule, went in the meantime: then nothing is left to drop. Whether this
                # group is still held is for the deletion below to say.
                if not is_not_found(error):
                    raise
    try:
        with ec2_kind.explain_in_use_error(query, resource.region, "group-id", resource.id):
            ec2.delete_security_group(GroupId=resource.id)
    except Exception as error:
        if is_in_use(error) and (rules := _find_referencing_groups(query, resource)):
            raise ResourceInUse(f"still named by a rule of {', '.join(rules)}") from error
        raise


def _find_referencing_groups(query: AwsQuery, resource: AwsResource) -> list[str]:
    """The groups one of whose rules names this one; empty when we may not look."""

    def ask(by: str) -> list[str]:
        filters = [{"Name": by, "Values": [resource.id]}]
        return [
            f"{group['GroupName']} ({group['GroupId']})"
            for group in query.list_items(
                "ec2", "describe_security_groups", "SecurityGroups", region=resource.region, Filters=filters
            )
        ]

    found: list[str] = []
    for by in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        found += query.call_or_default("ec2:DescribeSecurityGroups", partial(ask, by), [])
    return list(dict.fromkeys(found))


def _read_group(query: AwsQuery, id: str, region: str) -> dict[str, Any] | None:
    try:
        groups = query.client("ec2", region).describe_security_groups(GroupIds=[id])["SecurityGroups"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return groups[0] if groups else None


def _only_group_pairs(rule: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    pairs = [{key: pair[key] for key in ("GroupId", "UserId") if key in pair} for pair in rule["UserIdGroupPairs"]]
    return {**kept, "UserIdGroupPairs": pairs}


def _build_resource(group: dict[str, Any], region: str) -> AwsResource:
    return AwsResource(
        kind="security-group",
        id=group["GroupId"],
        name=group["GroupName"],
        region=region,
        aliases=(group["GroupId"],),
        tags=parse_tags(group.get("Tags")),
        state=group.get("VpcId", ""),
        identity=(group["GroupId"], group["GroupName"]),
        blocks=(f"vpc:{group['VpcId']}",) if group.get("VpcId") else (),
        protection_reason="the default group of its VPC" if group["GroupName"] == "default" else "",
    )
