"""Route53 records. They carry no tags, so a person has to name each; NS and SOA at the top of a zone always stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, code, is_missing
from checks.cleanup.kinds import Task
from checks.cleanup.model import Seen

_BY_DOMAIN = frozenset({"A", "AAAA", "CNAME"})
"""What a deployment makes in a domain; mail, text and delegation records are found by their exact name only."""


def find(asking: Asking) -> Iterable[Seen]:
    zones = list(asking.pages("route53", "list_hosted_zones", "HostedZones"))
    nothing: list[Seen] = []
    found = asking.each(
        lambda zone: asking.attempt(
            "route53:ListResourceRecordSets", lambda: _in_zone(asking, zone["Id"].rpartition("/")[2]), nothing
        ),
        zones,
    )
    return [seen for records in found for seen in records]


def again(asking: Asking, id: str, region: str) -> Seen | None:
    zone = id.partition("_")[0]
    try:
        return next((seen for seen in _in_zone(asking, zone) if seen.id == id), None)
    except Exception as error:
        if is_missing(error):
            return None
        raise


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    zone = seen.id.partition("_")[0]
    for record in _records(asking, zone):
        if _id(zone, record) != seen.id:
            continue
        batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
        try:
            asking.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
        except Exception as error:
            if code(error) != "InvalidChangeBatch" or "not found" not in str(error):
                raise


def _records(asking: Asking, zone: str) -> list[dict[str, Any]]:
    return list(asking.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone))


def _in_zone(asking: Asking, zone: str) -> list[Seen]:
    return [_seen(zone, record) for record in _records(asking, zone) if record["Type"] not in {"NS", "SOA"}]


def _id(zone: str, record: dict[str, Any]) -> str:
    """The id that terraform gives the record: zone, name, type, and the set where there are several."""
    set_id = record.get("SetIdentifier", "")
    return "_".join(filter(None, (zone, _plain(record["Name"]), record["Type"], set_id)))


def _seen(zone: str, record: dict[str, Any]) -> Seen:
    name, kind = _plain(record["Name"]), record["Type"]
    target = record.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
    values = tuple(value["Value"] for value in record.get("ResourceRecords", ()))
    return Seen(
        kind="route53-record",
        id=_id(zone, record),
        name=name,
        domains=(name,) if kind in _BY_DOMAIN else (),
        size=f"{kind} {target or ', '.join(values[:2])}",
        state=kind,
        identity=(kind, target, *values),
        blocks=(f"route53-zone:{zone}",),
    )


def _plain(name: str) -> str:
    return name.rstrip(".").replace("\\052", "*")
