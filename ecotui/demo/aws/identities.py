"""CloudFront origin access identities (moto has only origin access controls)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.models import random_id
from moto.core.responses import ActionResult, EmptyResult

IDENTITY_PATH_PREFIX = "origin-access-identity/cloudfront/"


class IdentityNotFound(CloudFrontException):
    code = "NoSuchCloudFrontOriginAccessIdentity"
    message = "The specified origin access identity does not exist."


class IdentityInUse(CloudFrontException):
    code = "CloudFrontOriginAccessIdentityInUse"
    message = "The CloudFront origin access identity is still being used."


class PreconditionFailed(CloudFrontException):
    code = "PreconditionFailed"
    message = "The request failed because it didn't meet the preconditions in one or more request-header fields."


class IdentityExists(CloudFrontException):
    code = "CloudFrontOriginAccessIdentityAlreadyExists"
    message = (
        "If the CallerReference is a value you already sent in a previous request to create an identity but the content "
        "of the CloudFrontOriginAccessIdentityConfig is different from the original request, CloudFront returns a "
        "CloudFrontOriginAccessIdentityAlreadyExists error."
    )


@dataclass
class OriginAccessIdentity:
    id: str
    caller_reference: str
    comment: str
    etag: str

    @property
    def canonical_user_id(self) -> str:
        """The canonical user id that stands for it in S3: stable, made from the id."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    def to_config(self) -> dict[str, str]:
        return {"CallerReference": self.caller_reference, "Comment": self.comment}

    def to_response(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "S3CanonicalUserId": self.canonical_user_id,
            "CloudFrontOriginAccessIdentityConfig": self.to_config(),
        }


class OriginAccessIdentityOperations:
    """The six operations, for a CloudFront response class to take in."""

    identities: dict[str, OriginAccessIdentity] = {}  # noqa: RUF012 - the account's, so shared by every request's instance
    _get_param: Any
    backend: Any

    def create_cloud_front_origin_access_identity(self) -> ActionResult:
        config = self._get_param("CloudFrontOriginAccessIdentityConfig", {})
        reference, comment = str(config.get("CallerReference", "")), str(config.get("Comment") or "")
        known = next((one for one in self.identities.values() if one.caller_reference == reference), None)
        if known and known.comment != comment:
            raise IdentityExists
        identity = known or OriginAccessIdentity(random_id(length=14), reference, comment, random_id(length=14))
        self.identities[identity.id] = identity
        return self._identity_response(identity)

    def get_cloud_front_origin_access_identity(self) -> ActionResult:
        return self._identity_response(self._get_identity())

    def get_cloud_front_origin_access_identity_config(self) -> ActionResult:
        identity = self._get_identity()
        return ActionResult({"CloudFrontOriginAccessIdentityConfig": identity.to_config(), "ETag": identity.etag})

    def update_cloud_front_origin_access_identity(self) -> ActionResult:
        identity = self._get_matching_identity()
        config = self._get_param("CloudFrontOriginAccessIdentityConfig", {})
        identity.comment = str(config.get("Comment") or "")
        identity.etag = random_id(length=14)
        return self._identity_response(identity)

    def delete_cloud_front_origin_access_identity(self) -> EmptyResult:
        identity = self._get_matching_identity()
        users = (
            origin.s3_access_identity
            for distribution in self.backend.distributions.values()
            for origin in distribution.distribution_config.Origins["Items"]
        )
        if f"{IDENTITY_PATH_PREFIX}{identity.id}" in users:
            raise IdentityInUse
        del self.identities[identity.id]
        return EmptyResult()

    def list_cloud_front_origin_access_identities(self) -> ActionResult:
        items = [
            {"Id": one.id, "S3CanonicalUserId": one.canonical_user_id, "Comment": one.comment}
            for one in self.identities.values()
        ]
        listing = {
            "Marker": "",
            "MaxItems": 100,
            "IsTruncated": False,
            "Quantity": len(items),
            "Items": items or None,
        }
        return ActionResult({"CloudFrontOriginAccessIdentityList": listing})

    def _get_identity(self) -> OriginAccessIdentity:
        try:
            return self.identities[self._get_param("Id")]
        except KeyError:
            raise IdentityNotFound from None

    def _get_matching_identity(self) -> OriginAccessIdentity:
        identity = self._get_identity()
        if self._get_param("IfMatch") != identity.etag:
            raise PreconditionFailed
        return identity

    def _identity_response(self, identity: OriginAccessIdentity) -> ActionResult:
        return ActionResult(
            {
                "CloudFrontOriginAccessIdentity": identity.to_response(),
                "Location": f"https://cloudfront.amazonaws.com/2020-05-31/{IDENTITY_PATH_PREFIX}{identity.id}",
                "ETag": identity.etag,
            }
        )
