"""Why a resource is still being created: what runs in terraform, joined to what AWS shows of it. Read-only.

The types import without boto3. What is looked at for each type is in `why_compute`, `why_network` and `why_certificate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from checks.apply.run.why.model import Running, Seen
from checks.duration import span
from checks.finding import Fact, Finding, State

if TYPE_CHECKING:
    from checks.context import World

STEP = "apply"
ID = "apply.why"

Looker = Callable[["World", Running], Seen]


def why(world: World, running: Running, lookers: Mapping[str, Looker] | None = None) -> Finding:
    """The live state of what runs. Never raises for what AWS answers: that is `unknown`, naming the IAM action."""
    from checks.aws.errors import errors

    table = _lookers() if lookers is None else lookers
    look = table.get(running.type)
    if look is None:
        return _finding(running, _unknowable(running))
    try:
        return _finding(running, look(world, running))
    except errors() as error:
        trouble = world.aws.explain(error)
        return Finding(
            id=ID,
            step=STEP,
            state=State.UNKNOWN,
            title=running.address,
            summary=f"It could not be looked at: {trouble.summary}",
            facts=_times(running),
            denied=trouble.denied,
            raw=trouble.raw,
            fixes=trouble.fixes,
        )


def _lookers() -> dict[str, Looker]:
    from checks.apply.run.why import certificate, compute, network

    return {
        "aws_instance": compute.instance,
        "aws_eks_cluster": compute.eks_cluster,
        "aws_eks_node_group": compute.eks_node_group,
        "aws_nat_gateway": network.nat_gateway,
        "aws_lb": network.load_balancer,
        "aws_alb": network.load_balancer,
        "aws_cloudfront_distribution": network.distribution,
        "aws_acm_certificate": certificate.certificate,
        "aws_acm_certificate_validation": certificate.certificate,
    }


_UNKNOWABLE = {
    "aws_route53_record": "Route53 spreads a change to all its servers, usually within 60 s; how far it is, only"
    " terraform can ask, which holds the number of the change.",
    "null_resource": "It is nothing in AWS: its provisioner runs on this machine, and only its output tells.",
    "terraform_data": "It is nothing in AWS: its provisioner runs on this machine, and only its output tells.",
    "time_sleep": "It is nothing in AWS: terraform was told to wait here.",
}


def _unknowable(running: Running) -> Seen:
    said = _UNKNOWABLE.get(
        running.type,
        f"This cannot be known from outside: for {running.type or 'this'} ecotui has no call that shows how far it is.",
    )
    return Seen(state=State.UNKNOWN, sentence=said)


def _finding(running: Running, seen: Seen) -> Finding:
    return Finding(
        id=ID,
        step=STEP,
        state=seen.state,
        title=running.address,
        summary=seen.sentence,
        facts=(*(Fact(label=label, value=value) for label, value in seen.facts if value), *_times(running)),
        guide=seen.guide,
    )


def _times(running: Running) -> tuple[Fact, ...]:
    facts = []
    if running.elapsed:
        facts.append(Fact(label="in terraform", value=f"{running.action} for {span(running.elapsed)}"))
    if running.usual is not None:
        facts.append(Fact(label="usually", value=f"{span(running.usual.seconds)} ({running.usual.basis})"))
    if running.note:
        facts.append(Fact(label="its provisioner", value=running.note))
    return tuple(facts)
