"""Names in CloudFront and Route53."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.cloudfront import adds_aliases, find_alias_owner, has_aliases
from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource
from checks.apply.plan.model import PlannedChange
from checks.aws.errors import is_not_found


def _find_origin_access_control(query: CollisionQuery) -> ExistingResource | None:
    listed = query.client("cloudfront").list_origin_access_controls(MaxItems="100")
    items = listed["OriginAccessControlList"].get("Items") or ()
    found = next((one for one in items if one["Name"] == query.name), None)
    return ExistingResource(id=found["Id"], import_id=found["Id"]) if found else None


def _cloudfront_policy_finder(operation: str, kind: str) -> Callable[[CollisionQuery], ExistingResource | None]:
    def find(ask: CollisionQuery) -> ExistingResource | None:
        for item in ask.list_items("cloudfront", operation, f"{kind}List.Items", Type="custom"):
            if item[kind][f"{kind}Config"]["Name"] == ask.name:
                return ExistingResource(id=item[kind]["Id"], import_id=item[kind]["Id"])
        return None

    return find


def _find_cloudfront_function(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("cloudfront").describe_function(Name=query.name)["FunctionSummary"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found["FunctionMetadata"]["FunctionARN"], import_id=query.name)


def _find_record(query: CollisionQuery) -> ExistingResource | None:
    zone, type_ = query.planned.known_text("zone_id"), query.planned.known_text("type")
    if not zone or not type_:
        return None
    client = query.client("route53")
    apex = client.get_hosted_zone(Id=zone)["HostedZone"]["Name"].rstrip(".").lower()
    name = query.name.rstrip(".").lower()
    if name != apex and not name.endswith(f".{apex}"):
        name = f"{name}.{apex}".lstrip(".")  # the provider completes a name that does not end with its zone
    records = client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="20"
    )["ResourceRecordSets"]
    wanted = query.planned.known_text("set_identifier") or ""
    for record in records:
        same = _normalize_record_name(record["Name"]) == name and record["Type"] == type_
        if same and record.get("SetIdentifier", "") == wanted:
            suffix = f"_{wanted}" if wanted else ""
            return ExistingResource(
                id=f"{type_} record in zone {zone}", import_id=f"{zone}_{name}_{type_}{suffix}", name=name
            )
    return None


def _normalize_record_name(name: str) -> str:
    """Route53 writes `*` as \\052, and ends names with a dot."""
    return name.replace("\\052", "*").rstrip(".").lower()


def _can_record_collide(planned: PlannedChange) -> bool:
    return planned.after.get("allow_overwrite") is not True


KINDS = (
    CollisionKind(
        type="aws_cloudfront_distribution",
        find_existing=find_alias_owner,
        action="cloudfront:ListDistributions",
        service="cloudfront",
        attribute="aliases",
        guide=("6.2",),
        is_global=True,
        can_collide=has_aliases,
        adds_names=adds_aliases,
        ignores_case=True,
    ),
    CollisionKind(
        type="aws_cloudfront_origin_access_control",
        find_existing=_find_origin_access_control,
        action="cloudfront:ListOriginAccessControls",
        service="cloudfront",
        is_global=True,
    ),
    *(
        CollisionKind(
            type=f"aws_cloudfront_{type_}",
            find_existing=_cloudfront_policy_finder(operation, kind),
            action=f"cloudfront:{action}",
            service="cloudfront",
            is_global=True,
        )
        for type_, operation, kind, action in (
            ("cache_policy", "list_cache_policies", "CachePolicy", "ListCachePolicies"),
            (
                "origin_request_policy",
                "list_origin_request_policies",
                "OriginRequestPolicy",
                "ListOriginRequestPolicies",
            ),
            (
                "response_headers_policy",
                "list_response_headers_policies",
                "ResponseHeadersPolicy",
                "ListResponseHeadersPolicies",
            ),
        )
    ),
    CollisionKind(
        type="aws_cloudfront_function",
        find_existing=_find_cloudfront_function,
        action="cloudfront:DescribeFunction",
        service="cloudfront",
        is_global=True,
    ),
    CollisionKind(
        type="aws_route53_record",
        find_existing=_find_record,
        action="route53:ListResourceRecordSets",
        service="route53",
        guide=("6.2",),
        can_collide=_can_record_collide,
        scope=("zone_id", "aws_route53_zone"),
        allows_empty_name=True,
    ),
)
