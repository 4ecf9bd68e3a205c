"""EC2 instances of the region. One with termination protection is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, RetryLater, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

_TERMINATED_STATES = frozenset({"terminated"})


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    listed = [
        instance
        for reservation in query.list_items("ec2", "describe_instances", "Reservations")
        for instance in reservation["Instances"]
        if instance["State"]["Name"] not in _TERMINATED_STATES
    ]
    return query.map_parallel(lambda instance: _build_resource(query, instance, query.region), listed)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        answer = query.client("ec2", region).describe_instances(InstanceIds=[id])
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in _TERMINATED_STATES:
                return _build_resource(query, instance, region)
    return None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if "shutting-down" not in resource.state:
        query.client("ec2", resource.region).terminate_instances(InstanceIds=[resource.id])
    raise RetryLater("shutting down")


def _price_item(instance: dict[str, Any]) -> str:
    """The item of the price list. Only Linux on demand is in one by its type alone."""
    item = f"ec2-instance.{instance.get('InstanceType', '')}"
    if lifecycle := instance.get("InstanceLifecycle"):
        return f"{item}.{lifecycle}"
    system = instance.get("PlatformDetails") or instance.get("Platform") or "Linux/UNIX"
    return item if system == "Linux/UNIX" else f"{item}.{system}"


def _build_resource(query: AwsQuery, instance: dict[str, Any], region: str) -> AwsResource:
    id, tags = instance["InstanceId"], parse_tags(instance.get("Tags"))
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    placement, vpc = instance.get("Placement", {}).get("GroupName", ""), instance.get("VpcId", "")
    scaling = tags.get("aws:autoscaling:groupName", "")
    plain = AwsResource(
        kind="ec2-instance",
        id=id,
        name=tags.get("Name", id),
        region=region,
        aliases=(id,),
        tags=tags,
        created_at=epoch_seconds(instance.get("LaunchTime")),
        size=instance.get("InstanceType", ""),
        state=instance["State"]["Name"],
        # One that is stopped costs only its volumes, which go with it and are not listed.
        price_items=((_price_item(instance), 1),) if instance["State"]["Name"] in {"pending", "running"} else (),
        identity=(id,),
        protection_reason=f"the Auto Scaling group {scaling} would start another one in its place" if scaling else "",
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in instance.get("SecurityGroups", ())),
            *([f"instance-profile:{profile}"] if profile else []),
            *([f"placement-group:{placement}"] if placement else []),
            *(f"network-interface:{one['NetworkInterfaceId']}" for one in instance.get("NetworkInterfaces", ())),
            *([f"subnet:{instance['SubnetId']}"] if instance.get("SubnetId") else []),
            *([f"internet-of:{vpc}", f"vpc:{vpc}"] if vpc else []),
        ),
    )
    if not query.is_listed(plain):
        return plain
    kept = query.call_or_default(
        "ec2:DescribeInstanceAttribute",
        lambda: bool(
            query.client("ec2", region)
            .describe_instance_attribute(InstanceId=id, Attribute="disableApiTermination")
            .get("DisableApiTermination", {})
            .get("Value")
        ),
        False,
    )
    from msgspec.structs import replace

    return replace(plain, protection_reason=plain.protection_reason or ("termination protection is on" if kept else ""))
