"""Route53 records. They carry no tags, so a person has to name each; NS and SOA at the top of a zone always stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.aws.errors import aws_error_code, is_not_found
from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.kinds import DeletionTask
from checks.cleanup.model import AwsResource

_ADDRESS_RECORD_TYPES = frozenset({"A", "AAAA", "CNAME"})
"""What a deployment makes in a domain; mail, text and delegation records are found by their exact name only."""


def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
    zones = list(query.list_items("route53", "list_hosted_zones", "HostedZones"))
    nothing: list[AwsResource] = []
    found = query.map_parallel(
        lambda zone: query.call_or_default(
            "route53:ListResourceRecordSets", lambda: _list_zone_records(query, zone["Id"].rpartition("/")[2]), nothing
        ),
        zones,
    )
    return [seen for records in found for seen in records]


def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    zone = id.partition("_")[0]
    try:
        return next((seen for seen in _list_zone_records(query, zone) if seen.id == id), None)
    except Exception as error:
        if is_not_found(error):
            return None
        raise


def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    zone = resource.id.partition("_")[0]
    for record in _list_record_sets(query, zone):
        if _record_id(zone, record) != resource.id:
            continue
        batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
        try:
            query.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
        except Exception as error:
            if aws_error_code(error) != "InvalidChangeBatch" or "not found" not in str(error):
                raise


def _list_record_sets(query: AwsQuery, zone: str) -> list[dict[str, Any]]:
    return list(query.list_items("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone))


def _list_zone_records(query: AwsQuery, zone: str) -> list[AwsResource]:
    return [
        _build_resource(zone, record)
        for record in _list_record_sets(query, zone)
        if record["Type"] not in {"NS", "SOA"}
    ]


def _record_id(zone: str, record: dict[str, Any]) -> str:
    """The id that terraform gives the record: zone, name, type, and the set where there are several."""
    set_id = record.get("SetIdentifier", "")
    return "_".join(filter(None, (zone, _normalize_name(record["Name"]), record["Type"], set_id)))


def _build_resource(zone: str, record: dict[str, Any]) -> AwsResource:
    name, kind = _normalize_name(record["Name"]), record["Type"]
    target = record.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
    values = tuple(value["Value"] for value in record.get("ResourceRecords", ()))
    return AwsResource(
        kind="route53-record",
        id=_record_id(zone, record),
        name=name,
        domains=(name,) if kind in _ADDRESS_RECORD_TYPES else (),
        size=f"{kind} {target or ', '.join(values[:2])}",
        state=kind,
        identity=(kind, target, *values),
        blocks=(f"route53-zone:{zone}",),
    )


def _normalize_name(name: str) -> str:
    return name.rstrip(".").replace("\\052", "*")
