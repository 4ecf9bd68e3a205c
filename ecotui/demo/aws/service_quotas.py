"""Service Quotas for EC2 and VPC, and increase requests that are approved after a while (moto knows neither)."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.servicequotas import urls
from moto.servicequotas.responses import ServiceQuotasResponse

from ecotui.demo.speed import DemoTimings

VCPU_QUOTA = ("ec2", "L-1216C47A")
ADDRESS_QUOTA = ("ec2", "L-0263D0A3")
VPC_QUOTA = ("vpc", "L-F678F1CE")
INTERNET_GATEWAY_QUOTA = ("vpc", "L-A4707A72")

# code: service, quota, name, the limit at the beginning. AWS' own default for new accounts is 5 for all three; 16 vCPUs are
# what the guide (3.1) starts from.
_QUOTAS: dict[tuple[str, str], tuple[str, float]] = {
    VCPU_QUOTA: ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 16.0),
    ADDRESS_QUOTA: ("EC2-VPC Elastic IPs", 5.0),
    VPC_QUOTA: ("VPCs per Region", 5.0),
    INTERNET_GATEWAY_QUOTA: ("Internet gateways per Region", 5.0),
    ("vpc", "L-FE5A380F"): ("NAT gateways per Availability Zone", 5.0),
    ("vpc", "L-E79EC296"): ("VPC security groups per Region", 2500.0),
    ("autoscaling", "L-CDE20ADC"): ("Auto Scaling groups per region", 500.0),
    ("cloudfront", "L-24B04930"): ("Web distributions per AWS account", 200.0),
    ("eks", "L-1194D53C"): ("Clusters", 100.0),
    ("elasticloadbalancing", "L-53DA6B97"): ("Application Load Balancers per Region", 50.0),
    ("elasticloadbalancing", "L-69A177A2"): ("Network Load Balancers per Region", 50.0),
    ("rds", "L-7B6409FD"): ("DB instances", 40.0),
}
_SERVICE_NAMES = {
    "autoscaling": "Amazon EC2 Auto Scaling",
    "cloudfront": "Amazon CloudFront",
    "eks": "Amazon Elastic Kubernetes Service (Amazon EKS)",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}
_OPEN_STATUSES = ("PENDING", "CASE_OPENED")


class QuotaNotFound(ServiceException):
    code = "NoSuchResourceException"
    message = "The request failed because the specified service does not exist."


class QuotaRequestConflict(ServiceException):
    code = "ResourceAlreadyExistsException"
    message = "Only one open service quota increase request is allowed per quota."


class IllegalArgument(ServiceException):
    code = "IllegalArgumentException"


@dataclass
class QuotaIncrease:
    """One increase request; its status follows from its age."""

    region: str
    service: str
    quota: str
    desired_value: float
    created_at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid.uuid4().hex + uuid.uuid4().hex[:8])
    case_id: str = field(default_factory=lambda: str(170000000000000 + uuid.uuid4().int % 10**9))

    def status(self, timings: DemoTimings) -> str:
        age = time.time() - self.created_at
        if age >= timings.scale(timings.quota_approval):
            return "APPROVED"
        return "CASE_OPENED" if age >= timings.scale(timings.quota_case_opened) else "PENDING"

    def seconds_to_last_change(self, timings: DemoTimings) -> float:
        """Seconds from the request to its last change of status."""
        waits = {"APPROVED": timings.quota_approval, "CASE_OPENED": timings.quota_case_opened}
        return timings.scale(waits.get(self.status(timings), 0.0))


class QuotaService:
    """The limits of the account, and the requests to raise them."""

    def __init__(self, timings: DemoTimings, account: str) -> None:
        self.timings = timings
        self.account = account
        self._requests: list[QuotaIncrease] = []
        self._lock = threading.Lock()

    def limit(self, region: str, code: tuple[str, str]) -> float:
        """What the account may have in a region now: the start value, or the last approved request."""
        with self._lock:
            approved = [
                request.desired_value
                for request in self._requests
                if (request.region, request.service, request.quota) == (region, *code)
                and request.status(self.timings) == "APPROVED"
            ]
        return max([_QUOTAS[code][1], *approved])

    def request_increase(self, region: str, code: tuple[str, str], desired: float) -> QuotaIncrease:
        """Open a request. Raises RequestAlreadyOpen, IllegalArgument, NoSuchResource as AWS does."""
        if code not in _QUOTAS:
            raise QuotaNotFound
        if desired <= (limit := self.limit(region, code)):
            raise IllegalArgument(
                f"You must provide a quota value greater than or equal to the current quota value: {limit}"
            )
        with self._lock:
            for request in self._requests:
                same = (request.region, request.service, request.quota) == (region, *code)
                if same and request.status(self.timings) in _OPEN_STATUSES:
                    raise QuotaRequestConflict
            self._requests.append(request := QuotaIncrease(region, *code, desired))
        return request

    def list_requests(self, region: str) -> list[QuotaIncrease]:
        with self._lock:
            return [request for request in reversed(self._requests) if request.region == region]


class QuotasResponse(ServiceQuotasResponse):
    """The operations of Service Quotas that a rebuild uses."""

    quota_service: QuotaService

    def __init__(self) -> None:
        super().__init__()
        self.automated_parameter_parsing = True

    def get_service_quota(self) -> ActionResult:  # type: ignore[override]
        return ActionResult({"Quota": self._quota_body(self._requested_code(), default=False)})

    def get_aws_default_service_quota(self) -> ActionResult:
        return ActionResult({"Quota": self._quota_body(self._requested_code(), default=True)})

    def list_service_quotas(self) -> ActionResult:
        return self._list_quotas(default=False)

    def list_aws_default_service_quotas(self) -> ActionResult:  # type: ignore[override]
        return self._list_quotas(default=True)

    def list_services(self) -> ActionResult:
        services = [{"ServiceCode": code, "ServiceName": name} for code, name in _SERVICE_NAMES.items()]
        return ActionResult({"Services": services})

    def request_service_quota_increase(self) -> ActionResult:
        request = self.quota_service.request_increase(
            self.region, self._requested_code(), float(self._get_param("DesiredValue"))
        )
        return ActionResult({"RequestedQuota": self._request_body(request)})

    def get_requested_service_quota_change(self) -> ActionResult:
        wanted = self._get_param("RequestId")
        for request in self.quota_service.list_requests(self.region):
            if request.id == wanted:
                return ActionResult({"RequestedQuota": self._request_body(request)})
        raise QuotaNotFound

    def list_requested_service_quota_change_history(self) -> ActionResult:
        return self._list_requests(None)

    def list_requested_service_quota_change_history_by_quota(self) -> ActionResult:
        return self._list_requests(self._get_param("QuotaCode"))

    def _requested_code(self) -> tuple[str, str]:
        code = (str(self._get_param("ServiceCode")), str(self._get_param("QuotaCode")))
        if code not in _QUOTAS:
            raise QuotaNotFound
        return code

    def _list_quotas(self, *, default: bool) -> ActionResult:
        service = self._get_param("ServiceCode")
        if service not in _SERVICE_NAMES:
            raise QuotaNotFound
        return ActionResult(
            {"Quotas": [self._quota_body(code, default=default) for code in _QUOTAS if code[0] == service]}
        )

    def _list_requests(self, quota: str | None) -> ActionResult:
        service, status = self._get_param("ServiceCode"), self._get_param("Status")
        found = [
            self._request_body(request)
            for request in self.quota_service.list_requests(self.region)
            if (not service or request.service == service)
            and (not quota or request.quota == quota)
            and (not status or request.status(self.quota_service.timings) == status)
        ]
        return ActionResult({"RequestedQuotas": found})

    def _quota_body(self, code: tuple[str, str], *, default: bool) -> dict[str, Any]:
        name, start = _QUOTAS[code]
        return {
            **self._quota_labels(code),
            "QuotaName": name,
            "Value": start if default else self.quota_service.limit(self.region, code),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
            "QuotaAppliedAtLevel": "ACCOUNT",
        }

    def _request_body(self, request: QuotaIncrease) -> dict[str, Any]:
        code = (request.service, request.quota)
        status = request.status(self.quota_service.timings)
        return {
            **self._quota_labels(code),
            "Id": request.id,
            **({} if status == "PENDING" else {"CaseId": request.case_id}),
            "QuotaName": _QUOTAS[code][0],
            "DesiredValue": request.desired_value,
            "Status": status,
            "Created": request.created_at,
            "LastUpdated": request.created_at + request.seconds_to_last_change(self.quota_service.timings),
            "Requester": f'{{"accountId":"{self.quota_service.account}","callerArn":"arn:aws:iam::{self.quota_service.account}:user/operator"}}',
            "GlobalQuota": False,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        }

    def _quota_labels(self, code: tuple[str, str]) -> dict[str, Any]:
        service, quota = code
        return {
            "ServiceCode": service,
            "ServiceName": _SERVICE_NAMES[service],
            "QuotaCode": quota,
            "QuotaArn": f"arn:aws:servicequotas:{self.region}:{self.quota_service.account}:{service}/{quota}",
        }


def install_service_quotas(quota_service: QuotaService) -> None:
    """Answer Service Quotas from this desk. Once a process."""
    QuotasResponse.quota_service = quota_service
    urls.url_paths["{0}/$"] = QuotasResponse.dispatch
