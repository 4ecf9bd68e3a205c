"""Why a resource is still being created: what runs in terraform, joined to what AWS shows of it. Read-only.

The types import without boto3. What is looked at for each type is in `why_compute`, `why_network` and `why_certificate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from checks.apply.run.why.model import ResourceStatus, RunningResource
from checks.duration import format_duration
from checks.finding import CheckState, Fact, Finding

if TYPE_CHECKING:
    from checks.context import CheckContext

WHY_STEP = "apply"
WHY_FINDING_ID = "apply.why"

StatusCheck = Callable[["CheckContext", RunningResource], ResourceStatus]


def explain_running(
    context: CheckContext, resource: RunningResource, checks: Mapping[str, StatusCheck] | None = None
) -> Finding:
    """The live state of what runs. Never raises for what AWS answers: that is `unknown`, naming the IAM action."""
    from checks.aws.errors import aws_error_types

    table = _status_checks() if checks is None else checks
    look = table.get(resource.type)
    if look is None:
        return _status_finding(resource, _unknowable_status(resource))
    try:
        return _status_finding(resource, look(context, resource))
    except aws_error_types() as error:
        trouble = context.aws.explain(error)
        return Finding(
            id=WHY_FINDING_ID,
            step=WHY_STEP,
            state=CheckState.UNKNOWN,
            title=resource.address,
            summary=f"It could not be looked at: {trouble.summary}",
            facts=_duration_facts(resource),
            denied=trouble.denied,
            raw=trouble.raw,
            fixes=trouble.fixes,
        )


def _status_checks() -> dict[str, StatusCheck]:
    from checks.apply.run.why import acm as certificate
    from checks.apply.run.why import ec2 as compute
    from checks.apply.run.why import elb as network

    return {
        "aws_instance": compute.instance_status,
        "aws_eks_cluster": compute.eks_cluster_status,
        "aws_eks_node_group": compute.eks_node_group_status,
        "aws_nat_gateway": network.nat_gateway_status,
        "aws_lb": network.load_balancer_status,
        "aws_alb": network.load_balancer_status,
        "aws_cloudfront_distribution": network.distribution_status,
        "aws_acm_certificate": certificate.certificate_status,
        "aws_acm_certificate_validation": certificate.certificate_status,
    }


_UNKNOWABLE_TYPES = {
    "aws_route53_record": "Route53 spreads a change to all its servers, usually within 60 s; how far it is, only"
    " terraform can ask, which holds the number of the change.",
    "null_resource": "It is nothing in AWS: its provisioner runs on this machine, and only its output tells.",
    "terraform_data": "It is nothing in AWS: its provisioner runs on this machine, and only its output tells.",
    "time_sleep": "It is nothing in AWS: terraform was told to wait here.",
}


def _unknowable_status(resource: RunningResource) -> ResourceStatus:
    said = _UNKNOWABLE_TYPES.get(
        resource.type,
        f"This cannot be known from outside: for {resource.type or 'this'} ecotui has no call that shows how far it is.",
    )
    return ResourceStatus(state=CheckState.UNKNOWN, sentence=said)


def _status_finding(resource: RunningResource, status: ResourceStatus) -> Finding:
    return Finding(
        id=WHY_FINDING_ID,
        step=WHY_STEP,
        state=status.state,
        title=resource.address,
        summary=status.sentence,
        facts=(*(Fact(label=label, value=value) for label, value in status.facts if value), *_duration_facts(resource)),
        guide=status.guide,
    )


def _duration_facts(resource: RunningResource) -> tuple[Fact, ...]:
    facts = []
    if resource.elapsed:
        facts.append(Fact(label="in terraform", value=f"{resource.action} for {format_duration(resource.elapsed)}"))
    if resource.typical is not None:
        facts.append(
            Fact(label="usually", value=f"{format_duration(resource.typical.seconds)} ({resource.typical.basis})")
        )
    if resource.note:
        facts.append(Fact(label="its provisioner", value=resource.note))
    return tuple(facts)
