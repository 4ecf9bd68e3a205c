"""Canned reports of the steps: a world in which everything is in the way, and one that is rebuilt."""

from __future__ import annotations

from typing import Any

import msgspec

from checks.apply.model import ApplyDetail
from checks.cleanup.model import CleanupDetail, Leftover, Ownership
from checks.cloudfront.model import CloudFrontDetail, DistributionRow
from checks.finding import (
    CheckState,
    CopyText,
    Fact,
    Finding,
    Fix,
    OpenStep,
    PasteSecret,
    PickProfile,
    Report,
    Risk,
    RunCommand,
    SetVariable,
)
from checks.nodes.model import NodeGroupRow, NodeRow, NodesDetail
from checks.quota.model import QuotaDetail, QuotaRequestRow, QuotaRow
from checks.steps import STEPS

STARTED = 1_764_000_000.0
"""When every canned look was made: 2025-11-24 16:00:00 UTC."""


def report(step: str, *findings: Finding, detail: object = None) -> Report:
    # As it arrives from the child that looks: through JSON.
    plain = None if detail is None else msgspec.json.decode(msgspec.json.encode(detail))
    return Report(step=step, findings=findings, started=STARTED, seconds=0.4, detail=plain)


def finding(id: str, state: CheckState, summary: str, **more: Any) -> Finding:
    more.setdefault("title", id.partition(".")[2].replace("-", " ").capitalize())
    return Finding(id=id, step=id.partition(".")[0], state=state, summary=summary, **more)


def facts(**values: str) -> tuple[Fact, ...]:
    return tuple(Fact(label=label.replace("_", " "), value=value) for label, value in values.items())


SET_TOKEN = Fix(
    id="set",
    title="Give GITHUB_TOKEN for this session",
    action=SetVariable(name="GITHUB_TOKEN", secret=True, purpose="image pulls from ghcr.io"),
    changes="Everything that this session starts sees it; it is kept in memory only.",
    recommended=True,
)


PICK = Fix(
    id="profile",
    title="Pick another profile",
    action=PickProfile(choices=("eco2", "eco2-admin", "private")),
    changes="This session uses that profile.",
)


REQUEST = Fix(
    id="request",
    title="Request an increase to 32",
    action=RunCommand(argv=("ecotui", "quota", "--request", "L-1216C47A", "--value", "32", "--yes")),
    changes="AWS gets a request for 32 (usually answered in 15 minutes to 2 hours).",
    risk=Risk.CHANGES,
    recommended=True,
)


WAIT = Fix(
    id="wait",
    title="Wait for the approval",
    action=RunCommand(argv=("ecotui", "quota", "--wait", "L-1216C47A")),
    changes="Nothing; it looks again and again until the limit is raised or the request refused.",
)


PASTE = Fix(
    id="paste",
    title="Paste a token that has the scopes",
    action=PasteSecret(argv=("gh", "auth", "login", "--with-token"), prompt="A classic token with repo and read:org."),
    changes="gh keeps the token where it keeps tokens.",
    risk=Risk.CHANGES,
)


DESTROY = Fix(
    id="destroy",
    title="Destroy everything that is in the state",
    action=RunCommand(argv=("terraform", "destroy", "-auto-approve")),
    changes="All 84 resources are gone afterwards.",
    risk=Risk.DESTROYS,
)


PLAN = Fix(
    id="plan",
    title="Plan, and forecast what would go wrong",
    action=RunCommand(argv=("ecotui", "plan")),
    changes="Nothing; a plan file is written.",
    recommended=True,
)


CLEAR = Fix(
    id="clear",
    title="Delete what stands in the way",
    action=OpenStep(step="cleanup", select=("key-pair:k8s-cluster-key",)),
    changes="The cleanup step opens with it chosen.",
)


SSH = Fix(
    id="ssh",
    title="Look at the kubelet of that node",
    action=CopyText(text="ssh ubuntu@10.0.2.14 journalctl -u kubelet -n 50"),
    changes="Nothing.",
)


def leftover(kind: str, name: str, ownership: Ownership = Ownership.TAGGED, **more: Any) -> Leftover:
    more.setdefault("id", name)
    more.setdefault("action", "delete")
    more.setdefault("fingerprint", "0" * 24)
    more.setdefault("why", "carries all the tags" if ownership is Ownership.TAGGED else "its name matches *ecoeco*")
    more.setdefault("preselected", ownership is Ownership.TAGGED)
    return Leftover(key=f"{kind}:{more['id']}", kind=kind, name=name, ownership=ownership, **more)


LEFTOVERS = (
    leftover(
        "cloudfront",
        "cdn.ecoeco.kr",
        id="E2QWRUHAPOMQZL",
        state="Deployed, enabled",
        action="disable+delete",
        age_seconds=40 * 86_400.0,
        blocks=("s3-bucket:prod-sesacthon-images",),
    ),
    leftover("iam-role", "eco2-alb-controller", Ownership.NAME_ONLY, why="its name matches *alb-controller*"),
    leftover("key-pair", "k8s-cluster-key", id="key-0a1b2c3d4e5f", why="named in cleanup.exact"),
    leftover(
        "s3-bucket",
        "prod-sesacthon-images",
        action="empty+delete",
        size="1,000+ objects",
        blocked_by=("cloudfront:E2QWRUHAPOMQZL",),
    ),
    leftover(
        "iam-role",
        "AWSServiceRoleForSupport",
        Ownership.NAME_ONLY,
        action="keep",
        protected="service-linked role",
    ),
)


def blocked_reports() -> dict[str, Report]:
    """An account in which an earlier deployment still lies about, with too small quotas."""
    return {
        "environment": report(
            "environment",
            finding("environment.terraform", CheckState.OK, "terraform 1.11.4 is there; 1.5.0 or newer is needed."),
            finding(
                "environment.identity",
                CheckState.OK,
                "Signed in as operator of account 123456789012 (eco2-prod).",
                facts=facts(account="123456789012", alias="eco2-prod", region="ap-northeast-2"),
                fixes=(PICK,),
            ),
            finding(
                "environment.GITHUB_TOKEN",
                CheckState.WARN,
                "GITHUB_TOKEN is not set: image pulls from ghcr.io.",
                fixes=(SET_TOKEN,),
                guide=("5.1",),
            ),
        ),
        "quota": report(
            "quota",
            finding(
                "quota.vcpu",
                CheckState.BLOCKED,
                "16 allowed, 4 in use, 26 needed: 14 too few.",
                title="Running On-Demand Standard vCPUs",
                facts=facts(Limit="16", In_use="4", Needed="26, for 13 nodes of 2 vCPUs each"),
                guide=("3.1",),
                fixes=(REQUEST, WAIT),
            ),
            finding(
                "quota.elastic-ip",
                CheckState.OK,
                "5 allowed, 1 in use, 1 needed: enough, 3 to spare.",
                title="Elastic IPs",
            ),
            detail=QuotaDetail(
                region="ap-northeast-2",
                rows=(
                    QuotaRow(
                        code="L-1216C47A",
                        service="ec2",
                        title="Running On-Demand Standard vCPUs",
                        limit=16,
                        used=4,
                        needed=26,
                        left=12,
                        state=CheckState.BLOCKED,
                        requests=(
                            QuotaRequestRow(
                                id="r1",
                                status="DENIED",
                                desired=64,
                                created=STARTED - 86_400,
                                meaning="refused by AWS",
                            ),
                        ),
                    ),
                    QuotaRow(
                        code="L-0263D0A3",
                        service="ec2",
                        title="Elastic IPs",
                        limit=5,
                        used=1,
                        needed=1,
                        left=4,
                        state=CheckState.OK,
                    ),
                ),
            ),
        ),
        "github": report(
            "github",
            finding("github.login", CheckState.OK, "Logged in to github.com as eco2-bot."),
            finding(
                "github.scopes",
                CheckState.BLOCKED,
                "The token lacks read:org and write:packages.",
                facts=facts(Has="repo", Source="the variable GITHUB_TOKEN"),
                guide=("5.2",),
                fixes=(PASTE,),
            ),
        ),
        "cleanup": report(
            "cleanup",
            finding(
                "cleanup.leftovers",
                CheckState.BLOCKED,
                "4 leftovers of an earlier deployment: 3 proven to be ours, 1 matched by name only.",
                guide=("2.1",),
            ),
            detail=CleanupDetail(
                account="123456789012",
                account_name="eco2-prod",
                region="ap-northeast-2",
                resources=LEFTOVERS,
                looked_at=("cloudfront", "iam-role", "key-pair", "s3-bucket"),
            ),
        ),
        "apply": report(
            "apply",
            finding("apply.configuration", CheckState.OK, "The configuration is valid"),
            finding(
                "apply.forecast",
                CheckState.BLOCKED,
                "The key pair k8s-cluster-key exists already: the apply would fail with InvalidKeyPair.Duplicate.",
                facts=facts(Address="aws_key_pair.cluster", Existing="key-0a1b2c3d4e5f"),
                guide=("2.3",),
                fixes=(CLEAR, PLAN, DESTROY),
                raw="Error: importing EC2 Key Pair (k8s-cluster-key): InvalidKeyPair.Duplicate",
            ),
            detail=ApplyDetail(
                folder="terraform",
                initialised=True,
                resources=0,
                plan_file="terraform/ecotui.plan",
                plan_sentence="84 to create, 0 to change, 0 to destroy",
                forecast_sentence="1 name is taken; 14 vCPUs too few",
            ),
        ),
        "cloudfront": report(
            "cloudfront",
            finding(
                "cloudfront.distribution.E2QWRUHAPOMQZL",
                CheckState.WARN,
                "cdn.ecoeco.kr is being deployed for 4 min; 5 to 15 minutes are usual.",
                guide=("6.1",),
            ),
            detail=CloudFrontDetail(
                rows=(
                    DistributionRow(
                        id="E2QWRUHAPOMQZL",
                        name="cdn.ecoeco.kr",
                        domain="d111111abcdef8.cloudfront.net",
                        status="InProgress",
                        elapsed=245.0,
                        state=CheckState.WARN,
                    ),
                    DistributionRow(
                        id="E1ABCDEFGHIJKL",
                        name="이미지 배포 (images)",
                        domain="d222222abcdef8.cloudfront.net",
                        status="Deployed",
                        state=CheckState.OK,
                    ),
                )
            ),
        ),
        "nodes": report(
            "nodes",
            finding(
                "nodes.api-server",
                CheckState.UNKNOWN,
                "The API server of context eco2 does not answer: connection refused.",
                denied=("list nodes",),
                raw="The connection to the server 10.0.1.10:6443 was refused - did you specify the right host or port?",
                fixes=(SSH,),
            ),
            detail=NodesDetail(
                answers=False,
                reason="connection refused",
                expected=13,
                groups=(
                    NodeGroupRow(name="master", expected=1, joined=0, ready=0, running=1, type="t3a.large"),
                    NodeGroupRow(name="api", expected=6, joined=0, ready=0, running=0, type="t3a.medium"),
                ),
                rows=(
                    NodeRow(
                        name="k8s-master",
                        group="master",
                        joined=False,
                        ready=False,
                        instance_id="i-0123456789abcdef0",
                        instance_state="running",
                        internal_ip="10.0.1.10",
                    ),
                ),
            ),
        ),
    }


def rebuilt_reports() -> dict[str, Report]:
    """The same account after the rebuild: everything is ok."""
    groups = (
        ("master", 1, "t3a.large"),
        ("api", 6, "t3a.medium"),
        ("worker", 2, "t3a.large"),
        ("infra", 4, "t3a.medium"),
    )
    nodes = tuple(
        NodeRow(
            name=f"k8s-{name}-{number}",
            group=name,
            joined=True,
            ready=True,
            instance_id=f"i-0{number}{name:0<8.8}",
            instance_state="running",
            version="v1.28.15",
            internal_ip=f"10.0.{place}.{number + 9}",
        )
        for place, (name, count, _) in enumerate(groups)
        for number in range(1, count + 1)
    )
    fine = {
        step.id: report(step.id, finding(f"{step.id}.all", CheckState.OK, f"{step.title}: everything is in place."))
        for step in STEPS
    }
    return fine | {
        "cleanup": report(
            "cleanup",
            finding("cleanup.leftovers", CheckState.OK, "No leftovers of an earlier deployment."),
            detail=CleanupDetail(account="123456789012", account_name="eco2-prod", region="ap-northeast-2"),
        ),
        "apply": report(
            "apply",
            finding("apply.state", CheckState.OK, "The state holds 84 resources, and nothing is left to apply."),
            detail=ApplyDetail(
                folder="terraform",
                initialised=True,
                resources=84,
                types={"aws_instance": 13, "aws_subnet": 3, "aws_iam_policy": 4, "aws_s3_bucket": 2},
                serial=91,
            ),
        ),
        "nodes": report(
            "nodes",
            finding("nodes.ready", CheckState.OK, "13 of 13 nodes are Ready."),
            detail=NodesDetail(
                answers=True,
                expected=13,
                ready=13,
                groups=tuple(
                    NodeGroupRow(name=name, expected=count, joined=count, ready=count, running=count, type=kind)
                    for name, count, kind in groups
                ),
                rows=nodes,
            ),
        ),
    }
