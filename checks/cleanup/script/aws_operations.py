"""The operations of the aws command line that list and delete kinds of leftovers (AWS CLI command reference)."""

from __future__ import annotations

_EC2 = (
    ("key-pair", "describe-key-pairs", "delete-key-pair"),
    ("ec2-instance", "describe-instances", "terminate-instances"),
    ("volume", "describe-volumes", "delete-volume"),
    ("elastic-ip", "describe-addresses", "release-address"),
    ("network-interface", "describe-network-interfaces", "delete-network-interface"),
    ("security-group", "describe-security-groups", "delete-security-group"),
    ("subnet", "describe-subnets", "delete-subnet"),
    ("route-table", "describe-route-tables", "delete-route-table"),
    ("network-acl", "describe-network-acls", "delete-network-acl"),
    ("internet-gateway", "describe-internet-gateways", "delete-internet-gateway"),
    ("egress-gateway", "describe-egress-only-internet-gateways", "delete-egress-only-internet-gateway"),
    ("nat-gateway", "describe-nat-gateways", "delete-nat-gateway"),
    ("vpc-endpoint", "describe-vpc-endpoints", "delete-vpc-endpoints"),
    ("vpc-peering", "describe-vpc-peering-connections", "delete-vpc-peering-connection"),
    ("vpc", "describe-vpcs", "delete-vpc"),
    ("launch-template", "describe-launch-templates", "delete-launch-template"),
    ("placement-group", "describe-placement-groups", "delete-placement-group"),
)
_OTHERS = (
    ("iam-policy", "iam", "list-policies", "delete-policy"),
    ("iam-role", "iam", "list-roles", "delete-role"),
    ("instance-profile", "iam", "list-instance-profiles", "delete-instance-profile"),
    ("oidc-provider", "iam", "list-open-id-connect-providers", "delete-open-id-connect-provider"),
    ("s3-bucket", "s3api", "list-buckets", "delete-bucket"),
    ("s3-bucket", "s3api", "", "delete-objects"),
    ("s3-bucket", "s3api", "", "delete-object"),
    ("s3-bucket", "s3", "ls", "rb"),
    ("s3-bucket", "s3", "", "rm"),
    ("cloudfront", "cloudfront", "list-distributions", "delete-distribution"),
    (
        "cloudfront-oai",
        "cloudfront",
        "list-cloud-front-origin-access-identities",
        "delete-cloud-front-origin-access-identity",
    ),
    ("cloudfront-oac", "cloudfront", "list-origin-access-controls", "delete-origin-access-control"),
    ("load-balancer", "elbv2", "describe-load-balancers", "delete-load-balancer"),
    ("target-group", "elbv2", "describe-target-groups", "delete-target-group"),
    ("classic-load-balancer", "elb", "describe-load-balancers", "delete-load-balancer"),
    ("acm-certificate", "acm", "list-certificates", "delete-certificate"),
    ("route53-zone", "route53", "list-hosted-zones", "delete-hosted-zone"),
    ("route53-zone", "route53", "list-hosted-zones-by-name", ""),
    ("route53-record", "route53", "list-resource-record-sets", "change-resource-record-sets"),
    ("log-group", "logs", "describe-log-groups", "delete-log-group"),
    ("ssm-parameter", "ssm", "describe-parameters", "delete-parameter"),
    ("ssm-parameter", "ssm", "get-parameters-by-path", "delete-parameters"),
)


def _table(listing: bool) -> dict[tuple[str, str], tuple[str, ...]]:
    rows = [(kind, "ec2", lists, deletes) for kind, lists, deletes in _EC2] + list(_OTHERS)
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for kind, service, lists, deletes in rows:
        if operation := lists if listing else deletes:
            found[service, operation] = (*found.get((service, operation), ()), kind)
    return found


LISTS = _table(listing=True)
"""(service, operation) to the kinds that it lists."""
DELETES = _table(listing=False)
PARTS = frozenset(
    {
        "delete-policy-version",
        "delete-role-policy",
        "remove-role-from-instance-profile",
        "deregister-targets",
        "delete-listener",
        "delete-rule",
        "delete-object-tagging",
        "remove-tags",
        "delete-tags",
        "delete-route",
    }
)
"""They take something off a thing that is on its way out, and delete no thing of their own."""
