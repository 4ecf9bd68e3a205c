"""EC2 instances of the region. One with termination protection is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, NotYet, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

_GONE = frozenset({"terminated"})


def find(asking: Asking) -> Iterable[Seen]:
    listed = [
        instance
        for reservation in asking.pages("ec2", "describe_instances", "Reservations")
        for instance in reservation["Instances"]
        if instance["State"]["Name"] not in _GONE
    ]
    return asking.each(lambda instance: _seen(asking, instance, asking.region), listed)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        answer = asking.client("ec2", region).describe_instances(InstanceIds=[id])
    except Exception as error:
        if is_missing(error):
            return None
        raise
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in _GONE:
                return _seen(asking, instance, region)
    return None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if "shutting-down" not in seen.state:
        asking.client("ec2", seen.region).terminate_instances(InstanceIds=[seen.id])
    raise NotYet("shutting down")


def _billed(instance: dict[str, Any]) -> str:
    """The item of the price list. Only Linux on demand is in one by its type alone."""
    item = f"ec2-instance.{instance.get('InstanceType', '')}"
    if lifecycle := instance.get("InstanceLifecycle"):
        return f"{item}.{lifecycle}"
    system = instance.get("PlatformDetails") or instance.get("Platform") or "Linux/UNIX"
    return item if system == "Linux/UNIX" else f"{item}.{system}"


def _seen(asking: Asking, instance: dict[str, Any], region: str) -> Seen:
    id, tags = instance["InstanceId"], tags_of(instance.get("Tags"))
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    placement, vpc = instance.get("Placement", {}).get("GroupName", ""), instance.get("VpcId", "")
    scaling = tags.get("aws:autoscaling:groupName", "")
    plain = Seen(
        kind="ec2-instance",
        id=id,
        name=tags.get("Name", id),
        region=region,
        aliases=(id,),
        tags=tags,
        created=epoch(instance.get("LaunchTime")),
        size=instance.get("InstanceType", ""),
        state=instance["State"]["Name"],
        # One that is stopped costs only its volumes, which go with it and are not listed.
        billed=((_billed(instance), 1),) if instance["State"]["Name"] in {"pending", "running"} else (),
        identity=(id,),
        guarded=f"the Auto Scaling group {scaling} would start another one in its place" if scaling else "",
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in instance.get("SecurityGroups", ())),
            *([f"instance-profile:{profile}"] if profile else []),
            *([f"placement-group:{placement}"] if placement else []),
            *(
                f"network-interface:{one['NetworkInterfaceId']}"
                for one in instance.get("NetworkInterfaces", ())
            ),
            *([f"subnet:{instance['SubnetId']}"] if instance.get("SubnetId") else []),
            *([f"internet-of:{vpc}", f"vpc:{vpc}"] if vpc else []),
        ),
    )
    if not asking.wanted(plain):
        return plain
    kept = asking.attempt(
        "ec2:DescribeInstanceAttribute",
        lambda: bool(
            asking.client("ec2", region)
            .describe_instance_attribute(InstanceId=id, Attribute="disableApiTermination")
            .get("DisableApiTermination", {})
            .get("Value")
        ),
        False,
    )
    from msgspec.structs import replace

    return replace(plain, guarded=plain.guarded or ("termination protection is on" if kept else ""))
