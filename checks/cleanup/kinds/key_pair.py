"""Key pairs of the region: only the public half lies in AWS, and deleting it touches no instance that runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, epoch, is_missing, tags_of
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen


def find(asking: Asking) -> Iterable[Seen]:
    # describe_key_pairs has no pages: it answers with all of them.
    for pair in asking.client("ec2").describe_key_pairs()["KeyPairs"]:
        yield _seen(asking, pair, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    try:
        pairs = asking.client("ec2", region).describe_key_pairs(KeyNames=[id])["KeyPairs"]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return _seen(asking, pairs[0], region) if pairs else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    asking.client("ec2", seen.region).delete_key_pair(KeyName=seen.id)


def _seen(asking: Asking, pair: dict[str, Any], region: str) -> Seen:
    return Seen(
        kind="key-pair",
        id=pair["KeyName"],
        name=pair["KeyName"],
        arn="",
        region=region,
        aliases=(pair.get("KeyPairId", ""),),
        tags=tags_of(pair.get("Tags")),
        created=epoch(pair.get("CreateTime")),
        size=pair.get("KeyType", ""),
        identity=(pair.get("KeyPairId", ""), pair.get("KeyFingerprint", "")),
    )
