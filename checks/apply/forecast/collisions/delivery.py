"""Names in CloudFront and Route53."""

from __future__ import annotations

from collections.abc import Callable

from checks.apply.forecast.collisions.cloudfront import adds_aliases, distribution, has_aliases
from checks.apply.forecast.collisions.collision import Existing, Kind, Question, absent
from checks.apply.plan.model import Planned


def _access_control(ask: Question) -> Existing | None:
    listed = ask.client("cloudfront").list_origin_access_controls(MaxItems="100")
    items = listed["OriginAccessControlList"].get("Items") or ()
    found = next((one for one in items if one["Name"] == ask.name), None)
    return Existing(id=found["Id"], import_id=found["Id"]) if found else None


def _policy(operation: str, kind: str) -> Callable[[Question], Existing | None]:
    def find(ask: Question) -> Existing | None:
        for item in ask.items("cloudfront", operation, f"{kind}List.Items", Type="custom"):
            if item[kind][f"{kind}Config"]["Name"] == ask.name:
                return Existing(id=item[kind]["Id"], import_id=item[kind]["Id"])
        return None

    return find


def _edge_function(ask: Question) -> Existing | None:
    try:
        found = ask.client("cloudfront").describe_function(Name=ask.name)["FunctionSummary"]
    except Exception as error:
        if absent(error, "NoSuchFunctionExists"):
            return None
        raise
    return Existing(id=found["FunctionMetadata"]["FunctionARN"], import_id=ask.name)


def _record(ask: Question) -> Existing | None:
    zone, type_ = ask.planned.value("zone_id"), ask.planned.value("type")
    if not zone or not type_:
        return None
    client = ask.client("route53")
    apex = client.get_hosted_zone(Id=zone)["HostedZone"]["Name"].rstrip(".").lower()
    name = ask.name.rstrip(".").lower()
    if name != apex and not name.endswith(f".{apex}"):
        name = f"{name}.{apex}".lstrip(".")  # the provider completes a name that does not end with its zone
    records = client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="20"
    )["ResourceRecordSets"]
    wanted = ask.planned.value("set_identifier") or ""
    for record in records:
        same = _plain(record["Name"]) == name and record["Type"] == type_
        if same and record.get("SetIdentifier", "") == wanted:
            suffix = f"_{wanted}" if wanted else ""
            return Existing(
                id=f"{type_} record in zone {zone}", import_id=f"{zone}_{name}_{type_}{suffix}", name=name
            )
    return None


def _plain(name: str) -> str:
    """Route53 writes `*` as \\052, and ends names with a dot."""
    return name.replace("\\052", "*").rstrip(".").lower()


def _record_is_refused(planned: Planned) -> bool:
    return planned.after.get("allow_overwrite") is not True


KINDS = (
    Kind(
        type="aws_cloudfront_distribution",
        find=distribution,
        action="cloudfront:ListDistributions",
        service="cloudfront",
        attribute="aliases",
        guide=("6.2",),
        worldwide=True,
        applies=has_aliases,
        adds=adds_aliases,
        fold=True,
    ),
    Kind(
        type="aws_cloudfront_origin_access_control",
        find=_access_control,
        action="cloudfront:ListOriginAccessControls",
        service="cloudfront",
        worldwide=True,
    ),
    *(
        Kind(
            type=f"aws_cloudfront_{type_}",
            find=_policy(operation, kind),
            action=f"cloudfront:{action}",
            service="cloudfront",
            worldwide=True,
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
    Kind(
        type="aws_cloudfront_function",
        find=_edge_function,
        action="cloudfront:DescribeFunction",
        service="cloudfront",
        worldwide=True,
    ),
    Kind(
        type="aws_route53_record",
        find=_record,
        action="route53:ListResourceRecordSets",
        service="route53",
        guide=("6.2",),
        applies=_record_is_refused,
        within=("zone_id", "aws_route53_zone"),
        unnamed=True,
    ),
)
