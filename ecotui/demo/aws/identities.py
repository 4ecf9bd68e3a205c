"""CloudFront origin access identities (moto has only origin access controls)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.models import random_id
from moto.core.responses import ActionResult, EmptyResult

PREFIX = "origin-access-identity/cloudfront/"


class NoSuchIdentity(CloudFrontException):
    code = "NoSuchCloudFrontOriginAccessIdentity"
    message = "The specified origin access identity does not exist."


class IdentityInUse(CloudFrontException):
    code = "CloudFrontOriginAccessIdentityInUse"
    message = "The CloudFront origin access identity is still being used."


class PreconditionFailed(CloudFrontException):
    code = "PreconditionFailed"
    message = (
        "The request failed because it didn't meet the preconditions in one or more request-header fields."
    )


class IdentityExists(CloudFrontException):
    code = "CloudFrontOriginAccessIdentityAlreadyExists"
    message = (
        "If the CallerReference is a value you already sent in a previous request to create an identity but the content "
        "of the CloudFrontOriginAccessIdentityConfig is different from the original request, CloudFront returns a "
        "CloudFrontOriginAccessIdentityAlreadyExists error."
    )


@dataclass
class Identity:
    id: str
    reference: str
    comment: str
    etag: str

    @property
    def canonical(self) -> str:
        """The canonical user id that stands for it in S3: stable, made from the id."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    def config(self) -> dict[str, str]:
        return {"CallerReference": self.reference, "Comment": self.comment}

    def shown(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "S3CanonicalUserId": self.canonical,
            "CloudFrontOriginAccessIdentityConfig": self.config(),
        }


class IdentityOperations:
    """The six operations, for a CloudFront response class to take in."""

    identities: dict[str, Identity] = {}  # noqa: RUF012 - the account's, so shared by every request's instance
    _get_param: Any
    backend: Any

    def create_cloud_front_origin_access_identity(self) -> ActionResult:
        config = self._get_param("CloudFrontOriginAccessIdentityConfig", {})
        reference, comment = str(config.get("CallerReference", "")), str(config.get("Comment") or "")
        known = next((one for one in self.identities.values() if one.reference == reference), None)
        if known and known.comment != comment:
            raise IdentityExists
        identity = known or Identity(random_id(length=14), reference, comment, random_id(length=14))
        self.identities[identity.id] = identity
        return self._one(identity)

    def get_cloud_front_origin_access_identity(self) -> ActionResult:
        return self._one(self._found())

    def get_cloud_front_origin_access_identity_config(self) -> ActionResult:
        identity = self._found()
        return ActionResult(
            {"CloudFrontOriginAccessIdentityConfig": identity.config(), "ETag": identity.etag}
        )

    def update_cloud_front_origin_access_identity(self) -> ActionResult:
        identity = self._matched()
        config = self._get_param("CloudFrontOriginAccessIdentityConfig", {})
        identity.comment = str(config.get("Comment") or "")
        identity.etag = random_id(length=14)
        return self._one(identity)

    def delete_cloud_front_origin_access_identity(self) -> EmptyResult:
        identity = self._matched()
        users = (
            origin.s3_access_identity
            for distribution in self.backend.distributions.values()
            for origin in distribution.distribution_config.Origins["Items"]
        )
        if f"{PREFIX}{identity.id}" in users:
            raise IdentityInUse
        del self.identities[identity.id]
        return EmptyResult()

    def list_cloud_front_origin_access_identities(self) -> ActionResult:
        items = [
            {"Id": one.id, "S3CanonicalUserId": one.canonical, "Comment": one.comment}
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

    def _found(self) -> Identity:
        try:
            return self.identities[self._get_param("Id")]
        except KeyError:
            raise NoSuchIdentity from None

    def _matched(self) -> Identity:
        identity = self._found()
        if self._get_param("IfMatch") != identity.etag:
            raise PreconditionFailed
        return identity

    def _one(self, identity: Identity) -> ActionResult:
        return ActionResult(
            {
                "CloudFrontOriginAccessIdentity": identity.shown(),
                "Location": f"https://cloudfront.amazonaws.com/2020-05-31/{PREFIX}{identity.id}",
                "ETag": identity.etag,
            }
        )
