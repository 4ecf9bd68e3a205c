"""EBS volumes of the region. One that goes with its instance belongs to it; one that would stay behind is listed, and
waits for the instance; none is ever detached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, ResourceInUse, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

GP3_BASELINE = (3000, 125)
"""IOPS and MiB/s that the price of a gp3 volume includes (EBS user guide)."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    for volume in query.list_items("ec2", "describe_volumes", "Volumes"):
        if not any(one.get("DeleteOnTermination") for one in volume.get("Attachments", ())):
            yield _build_resource(volume, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        volumes = query.client("ec2", region).describe_volumes(VolumeIds=[id])["Volumes"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(volumes[0], region) if volumes else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    if resource.uses:
        raise ResourceInUse(f"still attached to {', '.join(resource.uses)}")
    query.client("ec2", resource.region).delete_volume(VolumeId=resource.id)


def _price_items(volume: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    kind, size = volume.get("VolumeType", ""), volume.get("Size", 0)
    # What gp3 does beyond its base is paid for as well, and no price of that is known here.
    more = kind == "gp3" and (volume.get("Iops", 0) > GP3_BASELINE[0] or volume.get("Throughput", 0) > GP3_BASELINE[1])
    return ((f"volume.{kind}{'.faster' if more else ''}", size),)


def _build_resource(volume: dict[str, Any], region: str) -> AwsResource:
    tags = parse_tags(volume.get("Tags"))
    instances = tuple(one["InstanceId"] for one in volume.get("Attachments", ()) if one.get("InstanceId"))
    return AwsResource(
        kind="volume",
        id=volume["VolumeId"],
        name=tags.get("Name", volume["VolumeId"]),
        region=region,
        tags=tags,
        created_at=epoch_seconds(volume.get("CreateTime")),
        size=f"{volume.get('Size', 0)} GiB {volume.get('VolumeType', '')}".strip(),
        state=volume.get("State", ""),
        uses=instances,
        price_items=_price_items(volume),
        identity=(volume["VolumeId"],),
        parent_key=f"ec2-instance:{instances[0]}" if instances else "",
        blocked_by=tuple(f"ec2-instance:{instance}" for instance in instances),
    )
