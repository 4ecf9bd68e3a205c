"""EBS volumes of the region. One that goes with its instance belongs to it; one that would stay behind is listed, and
waits for the instance; none is ever detached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

GP3 = (3000, 125)
"""IOPS and MiB/s that the price of a gp3 volume includes (EBS user guide)."""


def find(asking: Asking) -> Iterable[Seen]:
    for volume in asking.pages("ec2", "describe_volumes", "Volumes"):
        if not any(one.get("DeleteOnTermination") for one in volume.get("Attachments", ())):
            yield _seen(volume, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        volumes = asking.client("ec2", region).describe_volumes(VolumeIds=[id])["Volumes"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(volumes[0], region) if volumes else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.uses:
        raise InUse(f"still attached to {', '.join(seen.uses)}")
    asking.client("ec2", seen.region).delete_volume(VolumeId=seen.id)


def _billed(volume: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    kind, size = volume.get("VolumeType", ""), volume.get("Size", 0)
    # What gp3 does beyond its base is paid for as well, and no price of that is known here.
    more = kind == "gp3" and (volume.get("Iops", 0) > GP3[0] or volume.get("Throughput", 0) > GP3[1])
    return ((f"volume.{kind}{'.faster' if more else ''}", size),)


def _seen(volume: dict[str, Any], region: str) -> Seen:
    tags = tags_of(volume.get("Tags"))
    instances = tuple(one["InstanceId"] for one in volume.get("Attachments", ()) if one.get("InstanceId"))
    return Seen(
        kind="volume",
        id=volume["VolumeId"],
        name=tags.get("Name", volume["VolumeId"]),
        region=region,
        tags=tags,
        created=epoch(volume.get("CreateTime")),
        size=f"{volume.get('Size', 0)} GiB {volume.get('VolumeType', '')}".strip(),
        state=volume.get("State", ""),
        uses=instances,
        billed=_billed(volume),
        identity=(volume["VolumeId"],),
        part_of=f"ec2-instance:{instances[0]}" if instances else "",
        blocked_by=tuple(f"ec2-instance:{instance}" for instance in instances),
    )
