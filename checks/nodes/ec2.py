"""The instances behind the nodes, as EC2 knows them."""

from __future__ import annotations

from typing import Any

from checks.context import CheckContext
from checks.nodes.matching import GroupMatcher, NodeInstance
from checks.sanitize import one_line

DESCRIBE_INSTANCES_ACTION = "ec2:DescribeInstances"


def fetch_node_instances(context: CheckContext) -> list[NodeInstance]:
    """The instances whose Name tag belongs to a group, the terminated ones left out. Raises botocore's errors."""
    groups = context.settings.nodes.groups
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
    known = GroupMatcher(groups)
    found = []
    for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", Filters=filters):
        for raw in reservation.get("Instances", ()):
            one = _parse_instance(raw)
            if known.find_group(one.name):
                found.append(one)
    return found


def _parse_instance(raw: dict[str, Any]) -> NodeInstance:
    launched = raw.get("LaunchTime")
    name = next((tag.get("Value", "") for tag in raw.get("Tags", ()) if tag.get("Key") == "Name"), "")
    return NodeInstance(
        id=str(raw.get("InstanceId", "")),
        name=one_line(str(name)),
        state=str(raw.get("State", {}).get("Name", "")),
        type=str(raw.get("InstanceType", "")),
        private_ip=str(raw.get("PrivateIpAddress", "") or ""),
        public_ip=str(raw.get("PublicIpAddress", "") or ""),
        launched_at=launched.timestamp() if launched is not None else None,
    )
