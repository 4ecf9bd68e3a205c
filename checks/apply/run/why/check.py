"""Why a resource is still being created: the live state of what terraform works on. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from checks.apply.run.why import acm, cloudfront, ec2, eks, elb
from checks.apply.run.why.model import ResourceStatus, RunningResource
from checks.aws.errors import aws_error_types
from checks.duration import format_duration
from checks.finding import CheckState, Fact, Finding, build_finding

if TYPE_CHECKING:
    from checks.context import CheckContext

_STATUS_CHECKS: dict[str, Callable[[CheckContext, RunningResource], ResourceStatus]] = {
    "aws_acm_certificate": acm.certificate_status,
    "aws_acm_certificate_validation": acm.certificate_status,
    "aws_alb": elb.load_balancer_status,
    "aws_cloudfront_distribution": cloudfront.distribution_status,
    "aws_eks_cluster": eks.eks_cluster_status,
    "aws_eks_node_group": eks.eks_node_group_status,
    "aws_instance": ec2.instance_status,
    "aws_lb": elb.load_balancer_status,
    "aws_nat_gateway": ec2.nat_gateway_status,
}
"""Terraform type to its check, which may raise botocore's errors."""
_UNKNOWABLE_TYPES = {
    "aws_route53_record": "Route53 spreads a change to all its servers, usually within 60 s; how far it is, only"
    " terraform can ask, which has the id of the change.",
    "null_resource": "It is nothing in AWS: its provisioner runs on this machine, and only its output shows how far it is.",
    "terraform_data": "It is nothing in AWS: its provisioner runs on this machine, and only its output shows how far it is.",
    "time_sleep": "It is nothing in AWS: terraform only waits here.",
}


def explain_running(context: CheckContext, resource: RunningResource) -> Finding:
    """The live state of a resource. Never raises for what AWS answers: that is `unknown`, with the IAM action."""
    duration_facts = _duration_facts(resource)
    check = _STATUS_CHECKS.get(resource.type)
    if check is None:
        return build_finding(
            "apply",
            "why",
            CheckState.UNKNOWN,
            resource.address,
            _UNKNOWABLE_TYPES.get(
                resource.type,
                f"This cannot be known from outside: for {resource.type or 'this'} ecotui has no call that shows how far"
                " it is.",
            ),
            facts=duration_facts,
        )
    try:
        status = check(context, resource)
    except aws_error_types() as error:
        explained = context.aws.explain(error)
        return build_finding(
            "apply",
            "why",
            CheckState.UNKNOWN,
            resource.address,
            f"It could not be checked: {explained.summary}",
            facts=duration_facts,
            denied=explained.denied,
            raw=explained.raw,
            fixes=explained.fixes,
        )
    facts = tuple(Fact(label=label, value=value) for label, value in status.facts if value)
    return Finding(
        id="apply.why",
        step="apply",
        state=status.state,
        title=resource.address,
        summary=status.sentence,
        facts=(*facts, *duration_facts),
        guide=status.guide,  # of a state that is ok as well
    )


def _duration_facts(resource: RunningResource) -> tuple[Fact, ...]:
    facts = []
    if resource.elapsed:
        facts.append(Fact(label="in terraform", value=f"{resource.action} for {format_duration(resource.elapsed)}"))
    if resource.typical is not None:
        typical = f"{format_duration(resource.typical.seconds)} ({resource.typical.basis})"
        facts.append(Fact(label="usually", value=typical))
    if resource.note:
        facts.append(Fact(label="its provisioner", value=resource.note))
    return tuple(facts)
