"""EBS volumes of the region that no instance has. An attached one belongs to its instance and goes with it or stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.asking import Asking, Refused, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.leftover import Seen


def find(asking: Asking) -> Iterable[Seen]:
    free = [{"Name": "status", "Values": ["available", "error"]}]
    for volume in asking.pages("ec2", "describe_volumes", "Volumes", Filters=free):
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
        raise Refused(f"it is attached to {', '.join(seen.uses)}")
    asking.client("ec2", seen.region).delete_volume(VolumeId=seen.id)


def _seen(volume: dict[str, Any], region: str) -> Seen:
    tags = tags_of(volume.get("Tags"))
    return Seen(
        kind="volume",
        id=volume["VolumeId"],
        name=tags.get("Name", volume["VolumeId"]),
        region=region,
        tags=tags,
        created=epoch(volume.get("CreateTime")),
        size=f"{volume.get('Size', 0)} GiB",
        state=volume.get("State", ""),
        uses=tuple(one["InstanceId"] for one in volume.get("Attachments", ()) if one.get("InstanceId")),
        identity=(volume["VolumeId"],),
    )
