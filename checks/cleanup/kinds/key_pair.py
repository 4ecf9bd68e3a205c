"""Key pairs of the region: only the public half lies in AWS, and deleting it touches no instance that runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import is_not_found
from checks.cleanup.aws_query import AwsQuery, epoch_seconds, parse_tags
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    # describe_key_pairs has no pages: it answers with all of them.
    for pair in query.client("ec2").describe_key_pairs()["KeyPairs"]:
        yield _build_resource(query, pair, query.region)


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    try:
        pairs = query.client("ec2", region).describe_key_pairs(KeyNames=[id])["KeyPairs"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _build_resource(query, pairs[0], region) if pairs else None


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    query.client("ec2", resource.region).delete_key_pair(KeyName=resource.id)


def _build_resource(query: AwsQuery, pair: dict[str, Any], region: str) -> AwsResource:
    return AwsResource(
        kind="key-pair",
        id=pair["KeyName"],
        name=pair["KeyName"],
        arn="",
        region=region,
        aliases=(pair.get("KeyPairId", ""),),
        tags=parse_tags(pair.get("Tags")),
        created_at=epoch_seconds(pair.get("CreateTime")),
        size=pair.get("KeyType", ""),
        identity=(pair.get("KeyPairId", ""), pair.get("KeyFingerprint", "")),
    )
