"""CloudFront distributions as AWS has them: a while InProgress after each change, aliases that are unique, deletion only
when disabled and Deployed, and S3 origins that are returned (moto drops them: endless drift)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudfront import models, urls
from moto.cloudfront.exceptions import CloudFrontException, InvalidIfMatchVersion
from moto.cloudfront.models import CloudFrontBackend, random_id
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.moto_api import state_manager

from ecotui.demo.speed import DemoTimings

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


class DistributionNotDisabled(CloudFrontException):
    code = "DistributionNotDisabled"
    message = "The distribution you are trying to delete has not been disabled."


class AliasConflict(CloudFrontException):
    code = "CNAMEAlreadyExists"
    message = "One or more of the CNAMEs you provided are already associated with a different resource."


class S3AwareOrigin(models.Origin):
    """An origin that remembers that it is a bucket."""

    def __init__(self, origin: dict[str, Any]) -> None:
        super().__init__(origin)
        if "S3OriginConfig" in origin:
            self.s3_origin_config = {"OriginAccessIdentity": self.s3_access_identity}
        self.origin_access_control_id = origin.get("OriginAccessControlId") or ""


class CustomViewerCertificate(models.ViewerCertificate):
    """A certificate of one's own takes the place of CloudFront's (moto shows both)."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if self.acm_certificate_arn or self.iam_certificate_id:
            self.cloud_front_default_certificate = False


class TimedDistribution(models.Distribution):
    """A distribution that knows when it was changed."""

    def __init__(self, account_id: str, region_name: str, config: dict[str, Any]) -> None:
        super().__init__(account_id, region_name, config)
        self.mark_in_progress()

    def mark_in_progress(self) -> None:
        """Start anew: InProgress from now, with another version tag."""
        self.last_modified_time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self._time_progressed = datetime.now()
        self._status = "InProgress"
        self.etag = random_id()


class DistributionResponse(OriginAccessIdentityOperations, CloudFrontResponse):
    """moto's CloudFront with origin access identities, and with what tells who has an alias."""

    def list_conflicting_aliases(self) -> ActionResult:
        """By the exact name; ids partly hidden, as AWS does."""
        through, alias = self._get_param("DistributionId"), str(self._get_param("Alias")).lower()
        self.backend.get_distribution(through)
        items = [
            {
                "Alias": alias,
                "DistributionId": "*" * 7 + distribution.distribution_id[7:],
                "AccountId": "*" * 6 + account[6:],
            }
            for account, distribution in _all_distributions()
            if distribution.distribution_id != through and alias in _aliases(distribution)
        ]
        return ActionResult(
            {"ConflictingAliasesList": {"MaxItems": 100, "Quantity": len(items), "Items": items or None}}
        )


def install_cloudfront(timings: DemoTimings) -> None:
    """Put all of it into moto. Once a process."""
    moto: Any = models
    moto.Origin = S3AwareOrigin
    moto.Distribution = TimedDistribution
    moto.ViewerCertificate = CustomViewerCertificate
    state_manager.set_transition(
        "cloudfront::distribution", {"progression": "time", "seconds": timings.scale(timings.distribution_deployment)}
    )
    backend: Any = CloudFrontBackend
    create = backend.create_distribution_with_tags
    delete = backend.delete_distribution
    update = backend.update_distribution

    def create_distribution_with_tags(
        self: Any, distribution_config: dict[str, Any], tags: list[dict[str, str]]
    ) -> Any:
        _raise_on_alias_conflict(distribution_config, own_id=None)
        return create(self, distribution_config, tags or [])

    def update_distribution(self: Any, dist_config: dict[str, Any], _id: str, if_match: str) -> Any:
        known = self.distributions.get(_id)
        if known is not None and if_match and if_match != known.etag:
            raise PreconditionFailed
        if dist_config:
            _raise_on_alias_conflict(dist_config, own_id=_id)
        distribution, location, _ = update(self, dist_config, _id, if_match)
        distribution.mark_in_progress()
        return distribution, location, distribution.etag

    def delete_distribution(self: Any, distribution_id: str, if_match: str) -> None:
        known = self.distributions.get(distribution_id)
        if known is not None:
            if not if_match:
                raise InvalidIfMatchVersion
            if if_match != known.etag:
                raise PreconditionFailed
            # AWS says the same for a distribution that is disabled but not deployed everywhere yet.
            if known.distribution_config.Enabled or known.status != "Deployed":
                raise DistributionNotDisabled
        delete(self, distribution_id, if_match)

    backend.create_distribution_with_tags = create_distribution_with_tags
    backend.update_distribution = update_distribution
    backend.delete_distribution = delete_distribution
    for path in urls.url_paths:
        urls.url_paths[path] = DistributionResponse.dispatch
    urls.url_paths["{0}/2020-05-31/conflicting-alias$"] = DistributionResponse.dispatch
    base = "{0}/2020-05-31/origin-access-identity/cloudfront"
    for path in (f"{base}$", f"{base}/(?P<identity_id>[^/]+)$", f"{base}/(?P<identity_id>[^/]+)/config$"):
        urls.url_paths[path] = DistributionResponse.dispatch


def backdate_deployments(account: str, *, days: int = 23) -> None:
    """Let every distribution that is there now be Deployed, and unchanged for some days."""
    for distribution in models.cloudfront_backends[account]["aws"].distributions.values():
        distribution._status = "Deployed"
        changed = datetime.now(UTC) - timedelta(days=days)
        distribution.last_modified_time = changed.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _raise_on_alias_conflict(config: dict[str, Any], *, own_id: str | None) -> None:
    wanted = set((config.get("Aliases") or {}).get("Items") or ())
    for _, distribution in _all_distributions():
        if distribution.distribution_id != own_id and wanted & _aliases(distribution):
            raise AliasConflict


def _all_distributions() -> list[tuple[str, Any]]:
    """The distributions of every account, with its number: an alias is unique in the world."""
    return [
        (account, distribution)
        for account, regions in list(models.cloudfront_backends.items())
        for distribution in list(regions["aws"].distributions.values())
    ]


def _aliases(distribution: Any) -> set[str]:
    return set(distribution.distribution_config.Aliases.get("Items") or ())
