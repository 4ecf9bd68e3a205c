"""The instances behind the nodes, as EC2 knows them."""

from __future__ import annotations

from typing import Any

from checks.context import World
from checks.nodes.matching import Groups, Instance
from checks.sanitize import one_line

ACTION = "ec2:DescribeInstances"


def instances(world: World) -> list[Instance]:
    """The instances whose Name tag belongs to a group, the terminated ones left out. Raises botocore's errors."""
    groups = world.settings.nodes.groups
    filters = [
        {
            "Name": "instance-state-name",
            "Values": ["pending", "running", "stopping", "stopped", "shutting-down"],
        }
    ]
    # EC2 knows * and ? in a filter, and at most 200 values; what else a shell pattern has, is matched here.
    patterns = [group.pattern for group in groups]
    if len(patterns) <= 200 and not any("[" in pattern for pattern in patterns):
        filters.append({"Name": "tag:Name", "Values": patterns})
    known = Groups(groups)
    found = []
    for reservation in world.aws.paginate("ec2", "describe_instances", "Reservations", Filters=filters):
        for raw in reservation.get("Instances", ()):
            one = _instance(raw)
            if known.of(one.name):
                found.append(one)
    return found


def _instance(raw: dict[str, Any]) -> Instance:
    launched = raw.get("LaunchTime")
    name = next((tag.get("Value", "") for tag in raw.get("Tags", ()) if tag.get("Key") == "Name"), "")
    return Instance(
        id=str(raw.get("InstanceId", "")),
        name=one_line(str(name)),
        state=str(raw.get("State", {}).get("Name", "")),
        type=str(raw.get("InstanceType", "")),
        private_ip=str(raw.get("PrivateIpAddress", "") or ""),
        public_ip=str(raw.get("PublicIpAddress", "") or ""),
        launched=launched.timestamp() if launched is not None else None,
    )
