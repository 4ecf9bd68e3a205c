"""Collisions of Route53: records of one name and type in a hosted zone."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource


def normalize_record_name(name: str) -> str:
    """A name as people write it: Route53 writes `*` as \\052, and ends names with a dot."""
    return name.replace("\\052", "*").rstrip(".").lower()


def _find_record(query: CollisionQuery) -> ExistingResource | None:
    zone, type_ = query.planned.known_text("zone_id"), query.planned.known_text("type")
    if not zone or not type_:
        return None
    apex = normalize_record_name(query.client.get_hosted_zone(Id=zone)["HostedZone"]["Name"])
    name = query.name.rstrip(".").lower()
    if name != apex and not name.endswith(f".{apex}"):
        name = f"{name}.{apex}".lstrip(".")  # the provider completes a name that does not end with its zone
    records = query.client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="20"
    )["ResourceRecordSets"]
    planned_set = query.planned.known_text("set_identifier") or ""
    for record in records:
        same = normalize_record_name(record["Name"]) == name and record["Type"] == type_
        if same and record.get("SetIdentifier", "") == planned_set:
            suffix = f"_{planned_set}" if planned_set else ""
            return ExistingResource(
                id=f"{type_} record in zone {zone}", import_id=f"{zone}_{name}_{type_}{suffix}", name=name
            )
    return None


KINDS = (
    CollisionKind(
        "aws_route53_record",
        _find_record,
        "route53:ListResourceRecordSets",
        "route53",
        guide=("6.2",),
        can_collide=lambda planned: planned.after.get("allow_overwrite") is not True,
        scope=("zone_id", "aws_route53_zone"),
        allows_empty_name=True,
        key_attributes=("type", "set_identifier"),
    ),
)
