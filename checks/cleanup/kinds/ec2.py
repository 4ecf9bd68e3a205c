"""EC2: instances, their volumes and key pairs, launch templates and placement groups of the region."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds.ec2_kind import (
    Item,
    ResourceFields,
    delete_by_id,
    describe_by_id,
    ec2_kind,
    ec2_resource,
    has_state_other_than_deleted,
)
from checks.cleanup.leftover_kind import DeletionTask, LeftoverKind, RetryLater
from checks.cleanup.model import AwsResource

_GP3_BASELINE = (3000, 125)
"""IOPS and MiB/s that the price of a gp3 volume includes (EBS user guide)."""


def _list_instances(query: AwsQuery) -> Iterable[AwsResource]:
    listed = [
        item
        for item in query.list_items("ec2", "describe_instances", "Reservations.Instances")
        if _is_not_terminated(item)
    ]
    return query.map_parallel(lambda item: _build_instance(query, item, query.region), listed)


def _read_instance(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    found = describe_by_id(query, "describe_instances", "InstanceId", id, region)
    return next((_build_instance(query, item, region) for item in found if _is_not_terminated(item)), None)


def _delete_instance(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if "shutting-down" not in resource.state:
        query.client("ec2", resource.region).terminate_instances(InstanceIds=[resource.id])
    raise RetryLater("shutting down")


def _is_not_terminated(item: Item) -> bool:
    return bool(item["State"]["Name"] != "terminated")


def _build_instance(query: AwsQuery, item: Item, region: str) -> AwsResource:
    resource = ec2_resource("ec2-instance", "InstanceId", item, region, _instance_fields(item))
    if resource.protection_reason or not query.is_listed(resource):
        return resource
    protected = query.call_or_default(
        "ec2:DescribeInstanceAttribute",
        lambda: bool(
            query.client("ec2", region)
            .describe_instance_attribute(InstanceId=resource.id, Attribute="disableApiTermination")
            .get("DisableApiTermination", {})
            .get("Value")
        ),
        False,
    )
    return replace(resource, protection_reason="termination protection is on" if protected else "")


def _instance_fields(item: Item) -> ResourceFields:
    state, vpc, subnet = item["State"]["Name"], item.get("VpcId", ""), item.get("SubnetId", "")
    profile = item.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    placement = item.get("Placement", {}).get("GroupName", "")
    scaling = parse_tags(item.get("Tags")).get("aws:autoscaling:groupName", "")
    return {
        "created_at": epoch_seconds(item.get("LaunchTime")),
        "size": item.get("InstanceType", ""),
        "state": state,
        # A stopped one costs only its volumes, which are deleted with it and not listed.
        "price_items": ((_instance_price_item(item), 1),) if state in {"pending", "running"} else (),
        "protection_reason": f"the Auto Scaling group {scaling} would start another one in its place"
        if scaling
        else "",
        "blocks": (
            *(f"security-group:{group['GroupId']}" for group in item.get("SecurityGroups", ())),
            *([f"instance-profile:{profile}"] if profile else []),
            *([f"placement-group:{placement}"] if placement else []),
            *(f"network-interface:{one['NetworkInterfaceId']}" for one in item.get("NetworkInterfaces", ())),
            *([f"subnet:{subnet}"] if subnet else []),
            *([f"internet-of:{vpc}", f"vpc:{vpc}"] if vpc else []),
        ),
    }


def _instance_price_item(item: Item) -> str:
    """The item of the price list. Only Linux on demand is in one by its type alone."""
    name = f"ec2-instance.{item.get('InstanceType', '')}"
    if lifecycle := item.get("InstanceLifecycle"):
        return f"{name}.{lifecycle}"
    system = item.get("PlatformDetails") or item.get("Platform") or "Linux/UNIX"
    return name if system == "Linux/UNIX" else f"{name}.{system}"


def _launch_template_fields(item: Item) -> ResourceFields:
    latest = item.get("LatestVersionNumber", 1)
    return {
        "name": item["LaunchTemplateName"],
        "created_at": epoch_seconds(item.get("CreateTime")),
        "size": f"version {latest}",
        # Whoever created a newer version since works with the template.
        "identity": (item["LaunchTemplateId"], str(latest)),
    }


def _placement_group_fields(item: Item) -> ResourceFields:
    return {
        "name": item["GroupName"],
        "arn": item.get("GroupArn", ""),
        "aliases": (item.get("GroupId", ""),),
        "size": item.get("Strategy", ""),
        "state": item.get("State", ""),
        "identity": (item.get("GroupId", ""), item["GroupName"]),
    }


def _key_pair_fields(item: Item) -> ResourceFields:
    return {
        "name": item["KeyName"],
        "aliases": (item.get("KeyPairId", ""),),
        "created_at": epoch_seconds(item.get("CreateTime")),
        "size": item.get("KeyType", ""),
        "identity": (item.get("KeyPairId", ""), item.get("KeyFingerprint", "")),
    }


def _stays_after_its_instance(item: Item) -> bool:
    return not any(one.get("DeleteOnTermination") for one in item.get("Attachments", ()))


def _volume_fields(item: Item) -> ResourceFields:
    instances = tuple(one["InstanceId"] for one in item.get("Attachments", ()) if one.get("InstanceId"))
    return {
        "aliases": (),
        "created_at": epoch_seconds(item.get("CreateTime")),
        "size": f"{item.get('Size', 0)} GiB {item.get('VolumeType', '')}".strip(),
        "state": item.get("State", ""),
        "uses": instances,
        "price_items": ((_volume_price_item(item), item.get("Size", 0)),),
        "parent_key": f"ec2-instance:{instances[0]}" if instances else "",
        "blocked_by": tuple(f"ec2-instance:{instance}" for instance in instances),
    }


def _volume_price_item(item: Item) -> str:
    type_, (iops, throughput) = item.get("VolumeType", ""), _GP3_BASELINE
    # What gp3 does beyond its baseline costs more, and that price is not in the list.
    faster = type_ == "gp3" and (item.get("Iops", 0) > iops or item.get("Throughput", 0) > throughput)
    return f"volume.{type_}{'.faster' if faster else ''}"


KINDS = (
    LeftoverKind(
        id="ec2-instance",
        singular="EC2 instance",
        terraform_types=("aws_instance",),
        list_permission="ec2:DescribeInstances",
        list_resources=_list_instances,
        read_resource=_read_instance,
        delete=_delete_instance,
        action="terminate",
    ),
    ec2_kind(
        "launch-template",
        "launch template",
        terraform_types=("aws_launch_template",),
        describe="describe_launch_templates",
        id_field="LaunchTemplateId",
        fields=_launch_template_fields,
        delete=delete_by_id("delete_launch_template", "LaunchTemplateId"),  # with all its versions
    ),
    ec2_kind(
        "placement-group",
        "placement group",
        terraform_types=("aws_placement_group",),
        describe="describe_placement_groups",
        id_field="GroupName",
        fields=_placement_group_fields,
        exists=has_state_other_than_deleted,
        delete=delete_by_id("delete_placement_group", "GroupName"),
    ),
    # Only the public half of a key pair is in AWS: running instances keep theirs.
    ec2_kind(
        "key-pair",
        "key pair",
        terraform_types=("aws_key_pair",),
        describe="describe_key_pairs",
        id_field="KeyName",
        fields=_key_pair_fields,
        delete=delete_by_id("delete_key_pair", "KeyName"),
        guide=("4.1",),
    ),
    # A volume that its instance deletes belongs to the instance. None is ever detached.
    ec2_kind(
        "volume",
        "EBS volume",
        terraform_types=("aws_ebs_volume",),
        describe="describe_volumes",
        id_field="VolumeId",
        fields=_volume_fields,
        is_listed=_stays_after_its_instance,
        delete=delete_by_id("delete_volume", "VolumeId", while_used="still attached to"),
    ),
)
