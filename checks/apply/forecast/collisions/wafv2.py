"""Collisions of WAF: web ACLs and IP sets, unique in a region, or among those of CloudFront."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource, Finder


def _find_in_scope(operation: str, key: str) -> Finder:
    def find(query: CollisionQuery) -> ExistingResource | None:
        scope = query.planned.known_text("scope") or "REGIONAL"
        listed = getattr(query.client, operation)(Scope=scope, Limit=100)[key]
        found = next((one for one in listed if one["Name"] == query.name), None)
        return ExistingResource(id=found["ARN"], import_id=f"{found['Id']}/{query.name}/{scope}") if found else None

    return find


KINDS = (
    CollisionKind("aws_wafv2_web_acl", _find_in_scope("list_web_acls", "WebACLs"), "wafv2:ListWebACLs", "wafv2"),
    CollisionKind("aws_wafv2_ip_set", _find_in_scope("list_ip_sets", "IPSets"), "wafv2:ListIPSets", "wafv2"),
)
