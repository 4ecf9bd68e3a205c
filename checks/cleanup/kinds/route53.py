"""Route53: records and zones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from checks.aws.errors import aws_error_code
from checks.cleanup.aws_query import AwsQuery, allow_missing, parse_tags
from checks.cleanup.leftover_kind import DeletionRefused, DeletionTask, LeftoverKind
from checks.cleanup.model import AwsResource

_ADDRESS_RECORD_TYPES = frozenset({"A", "AAAA", "CNAME"})
"""What a deployment creates in a domain; mail, text and delegation records are found by their exact name only."""


def _list_records(query: AwsQuery) -> Iterable[AwsResource]:
    nothing: list[AwsResource] = []
    found = query.map_parallel(
        lambda zone: query.call_or_default(
            "route53:ListResourceRecordSets", lambda: _list_zone_records(query, zone["Id"].rpartition("/")[2]), nothing
        ),
        list(query.list_items("route53", "list_hosted_zones", "HostedZones")),
    )
    return [record for records in found for record in records]


def _read_record(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    records = allow_missing(_list_zone_records, query=query, zone=id.partition("_")[0]) or ()
    return next((record for record in records if record.id == id), None)


def _delete_record(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
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
    # NS and SOA are deleted with their zone.
    return [
        _build_record(zone, record) for record in _list_record_sets(query, zone) if record["Type"] not in {"NS", "SOA"}
    ]


def _record_id(zone: str, record: dict[str, Any]) -> str:
    """The id that terraform gives the record: zone, name, type, and the set where there are several."""
    set_id = record.get("SetIdentifier", "")
    return "_".join(filter(None, (zone, _normalize_name(record["Name"]), record["Type"], set_id)))


def _build_record(zone: str, record: dict[str, Any]) -> AwsResource:
    # It has no tags: a person has to name it.
    name, type_ = _normalize_name(record["Name"]), record["Type"]
    target = record.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
    values = tuple(value["Value"] for value in record.get("ResourceRecords", ()))
    return AwsResource(
        kind="route53-record",
        id=_record_id(zone, record),
        name=name,
        domains=(name,) if type_ in _ADDRESS_RECORD_TYPES else (),
        size=f"{type_} {target or ', '.join(values[:2])}",
        state=type_,
        identity=(type_, target, *values),
        blocks=(f"route53-zone:{zone}",),
    )


def _normalize_name(name: str) -> str:
    return name.rstrip(".").replace("\\052", "*")


def _list_zones(query: AwsQuery) -> Iterable[AwsResource]:
    listed = list(query.list_items("route53", "list_hosted_zones", "HostedZones"))
    return query.map_parallel(partial(_build_zone, query), listed)


def _read_zone(query: AwsQuery, id: str, region: str) -> AwsResource | None:
    answer = allow_missing(query.client("route53").get_hosted_zone, Id=id)
    return _build_zone(query, answer["HostedZone"]) if answer else None


def _delete_zone(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
    try:
        query.client("route53").delete_hosted_zone(Id=resource.id)
    except Exception as error:
        if aws_error_code(error) == "HostedZoneNotEmpty":
            raise DeletionRefused(
                "it still has records other than NS and SOA; they are listed as Route53 records"
            ) from error
        raise


def _build_zone(query: AwsQuery, item: dict[str, Any]) -> AwsResource:
    # No `domains`: only a tag or its name finds a zone. A domain's zone is usually older than the deployment, and a new
    # one would get other name servers than those the registrar delegates to.
    id, name = item["Id"].rpartition("/")[2], item["Name"].rstrip(".")
    return AwsResource(
        kind="route53-zone",
        id=id,
        name=name,
        arn=f"arn:aws:route53:::hostedzone/{id}",
        tags=query.read_tags(
            "route53:ListTagsForResource",
            lambda: parse_tags(
                query.client("route53")
                .list_tags_for_resource(ResourceType="hostedzone", ResourceId=id)["ResourceTagSet"]
                .get("Tags")
            ),
        ),
        size=f"{item.get('ResourceRecordSetCount', 0)} records",
        price_items=(("route53-zone", 1),),
        identity=(id, name, item.get("CallerReference", "")),
    )


KINDS = (
    LeftoverKind(
        id="route53-record",
        singular="Route53 record",
        terraform_types=("aws_route53_record",),
        list_permission="route53:ListHostedZones",
        list_resources=_list_records,
        read_resource=_read_record,
        delete=_delete_record,
        guide=("6.2",),
    ),
    LeftoverKind(
        id="route53-zone",
        singular="Route53 zone",
        terraform_types=("aws_route53_zone",),
        list_permission="route53:ListHostedZones",
        list_resources=_list_zones,
        read_resource=_read_zone,
        delete=_delete_zone,
    ),
)
