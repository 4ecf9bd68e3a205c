"""Network interfaces of the region, the VPC endpoints that create some, and the security groups that guard them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from checks.aws.errors import aws_error_code, is_in_use
from checks.aws.network_interfaces import is_created_by_service
from checks.cleanup.aws_query import AwsQuery, allow_missing, epoch_seconds
from checks.cleanup.kinds.ec2_kind import (
    Item,
    ResourceFields,
    delete_by_id,
    describe_by_id,
    ec2_kind,
    explain_in_use_error,
)
from checks.cleanup.leftover_kind import DeletionTask, ResourceInUse, RetryLater
from checks.cleanup.model import AwsResource

_ENDED_ENDPOINT_STATES = frozenset({"deleted", "expired", "rejected"})


def _endpoint_state(item: Item) -> str:
    # AWS writes `available` and `Available`, depending on the type.
    return str(item.get("State", "")).lower()


def _endpoint_fields(item: Item) -> ResourceFields:
    type_, service = item.get("VpcEndpointType", "Gateway"), item.get("ServiceName", "")
    subnets = item.get("SubnetIds", ())
    return {
        "created_at": epoch_seconds(item.get("CreationTimestamp")),
        "size": f"{item.get('VpcEndpointType', '')} {service}".strip(),
        "state": _endpoint_state(item),
        # A gateway endpoint costs nothing.
        "price_items": () if type_ == "Gateway" else ((f"vpc-endpoint.{type_.lower()}", len(subnets) or 1),),
        "identity": (item["VpcEndpointId"], service),
        "blocks": (
            *(f"security-group:{group['GroupId']}" for group in item.get("Groups", ())),
            *(f"subnet:{subnet}" for subnet in subnets),
            *(f"route-table:{table}" for table in item.get("RouteTableIds", ())),
            f"vpc:{item.get('VpcId', '')}",
        ),
        "protection_reason": "created by an AWS service, which deletes it" if item.get("RequesterManaged") else "",
    }


def _delete_endpoint(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.state == "deleting":
        raise RetryLater("AWS is deleting it")
    answer = query.client("ec2", resource.region).delete_vpc_endpoints(VpcEndpointIds=[resource.id])
    # The call never raises for one endpoint: the answer says what was not deleted.
    for refused in answer.get("Unsuccessful", ()):
        error = refused.get("Error", {})
        if not str(error.get("Code", "")).endswith(".NotFound"):
            raise ResourceInUse(f"{error.get('Code', '')}: {error.get('Message', '')}")


def _stays_after_its_instance(item: Item) -> bool:
    attachment = item.get("Attachment", {})
    return not (attachment.get("InstanceId") and attachment.get("DeleteOnTermination"))


def _interface_fields(item: Item) -> ResourceFields:
    id, description, attachment = item["NetworkInterfaceId"], item.get("Description", ""), item.get("Attachment", {})
    instance = attachment.get("InstanceId", "")
    user = instance or attachment.get("InstanceOwnerId", "")
    service = (
        f"created by AWS for {description or 'a service'} and deleted with it" if is_created_by_service(item) else ""
    )
    return {
        "aliases": (id, *([description] if description else [])),
        "size": item.get("PrivateIpAddress", ""),
        "state": item.get("Status", ""),
        "uses": (user,) if user else (),
        "parent_key": f"ec2-instance:{instance}" if instance else "",
        "blocked_by": (f"ec2-instance:{instance}",) if instance else (),
        "blocks": (
            *(f"security-group:{group['GroupId']}" for group in item.get("Groups", ())),
            f"subnet:{item.get('SubnetId', '')}",
            f"vpc:{item.get('VpcId', '')}",
        ),
        "protection_reason": service,
    }


_delete_unused_interface = delete_by_id(
    "delete_network_interface", "NetworkInterfaceId", while_used="still attached to"
)


def _delete_interface(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        _delete_unused_interface(query, resource, task)
    except Exception as error:
        # EC2 has no code of its own for it: InvalidParameterValue, "is currently in use".
        if aws_error_code(error) == "InvalidParameterValue" and "in use" in str(error):
            raise ResourceInUse("still in use") from error
        raise


def _security_group_fields(item: Item) -> ResourceFields:
    id, name, vpc = item["GroupId"], item["GroupName"], item.get("VpcId", "")
    return {
        "name": name,
        "state": vpc,
        "identity": (id, name),
        "blocks": (f"vpc:{vpc}",) if vpc else (),
        "protection_reason": "the default group of its VPC" if name == "default" else "",
    }


def _delete_security_group(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    """Groups whose rules name each other block each other: the group first drops its own rules that name a group.

    A rule of another group is never touched.
    """
    ec2 = query.client("ec2", resource.region)
    groups = describe_by_id(query, "describe_security_groups", "GroupId", resource.id, resource.region)
    if not groups:
        return
    for group in groups:
        for rules, revoke in (
            (group.get("IpPermissions", ()), ec2.revoke_security_group_ingress),
            (group.get("IpPermissionsEgress", ()), ec2.revoke_security_group_egress),
        ):
            naming = [_only_group_pairs(rule) for rule in rules if rule.get("UserIdGroupPairs")]
            if naming:
                task.report_progress("dropping its rules that name other groups")
                # The other group, or the rule, may be gone in the meantime: then nothing is left to drop.
                allow_missing(revoke, GroupId=resource.id, IpPermissions=naming)
    try:
        with explain_in_use_error(query, resource.region, "group-id", resource.id):
            ec2.delete_security_group(GroupId=resource.id)
    except Exception as error:
        if is_in_use(error) and (others := _find_referencing_groups(query, resource)):
            raise ResourceInUse(f"still named by a rule of {', '.join(others)}") from error
        raise


def _only_group_pairs(rule: dict[str, Any]) -> dict[str, Any]:
    bare: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    pairs = [{key: pair[key] for key in ("GroupId", "UserId") if key in pair} for pair in rule["UserIdGroupPairs"]]
    return {**bare, "UserIdGroupPairs": pairs}


def _find_referencing_groups(query: AwsQuery, resource: AwsResource) -> list[str]:
    """The groups that have a rule which names this one; empty when AWS refuses to say."""

    def request(filter_name: str) -> Iterable[str]:
        filters = [{"Name": filter_name, "Values": [resource.id]}]
        found = query.list_items(
            "ec2", "describe_security_groups", "SecurityGroups", region=resource.region, Filters=filters
        )
        return [f"{group['GroupName']} ({group['GroupId']})" for group in found]

    names: list[str] = []
    for filter_name in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        names += query.call_or_default("ec2:DescribeSecurityGroups", partial(request, filter_name), ())
    return list(dict.fromkeys(names))


KINDS = (
    # Interface endpoints block subnets, gateway endpoints block route tables.
    ec2_kind(
        "vpc-endpoint",
        "VPC endpoint",
        terraform_types=("aws_vpc_endpoint",),
        describe="describe_vpc_endpoints",
        id_field="VpcEndpointId",
        fields=_endpoint_fields,
        exists=lambda item: _endpoint_state(item) not in _ENDED_ENDPOINT_STATES,
        delete=_delete_endpoint,
    ),
    # An interface that its instance deletes belongs to the instance. None is ever detached.
    ec2_kind(
        "network-interface",
        "network interface",
        terraform_types=("aws_network_interface",),
        describe="describe_network_interfaces",
        id_field="NetworkInterfaceId",
        fields=_interface_fields,
        is_listed=_stays_after_its_instance,
        delete=_delete_interface,
    ),
    ec2_kind(
        "security-group",
        "security group",
        terraform_types=("aws_security_group", "aws_default_security_group"),
        describe="describe_security_groups",
        id_field="GroupId",
        fields=_security_group_fields,
        delete=_delete_security_group,
    ),
)
