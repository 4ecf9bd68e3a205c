"""The IAM action that a call needs: what a refused operator has to ask for."""

from __future__ import annotations

_IAM_PREFIX = {
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "elastic load balancing v2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "efs": "elasticfilesystem",
    "cloudwatch": "cloudwatch",
    "s3control": "s3",
}
"""Services whose IAM prefix is not the client's name (Service Authorization Reference)."""

_S3_ACTION = {
    "ListBuckets": "s3:ListAllMyBuckets",
    "HeadBucket": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObject",
    "HeadObject": "s3:GetObject",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
}
"""S3 names its permissions after what they allow, not after the call (Service Authorization Reference, Amazon S3)."""


def iam_action(service: str, operation: str) -> str:
    """The IAM action that a call needs: `("service-quotas", "GetServiceQuota")` gives `servicequotas:GetServiceQuota`."""
    if "_" in operation or operation[:1].islower():
        operation = "".join(part.capitalize() for part in operation.split("_"))
    if service == "s3":
        return _S3_ACTION.get(operation, f"s3:{operation}")
    return f"{_IAM_PREFIX.get(service, service)}:{operation}"
