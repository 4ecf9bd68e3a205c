"""The settings: every key of ecotui.yaml, typed. The values of a project stand in defaults.yaml or its own file.

Durations are seconds unless the name says otherwise. Unknown keys are refused by the decoder.
"""

from __future__ import annotations

import msgspec


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the settings: immutable, and strict about its keys."""


class Aws(Strict, frozen=True):
    """Which account is meant, and how to reach it."""

    region: str = ""
    """The region of the cluster; empty means that the AWS configuration decides."""
    profile: str = ""
    """The profile of ~/.aws/config; empty means the default credential chain."""
    account: str = ""
    """The 12-digit id that the identity must have; empty means that it is not checked."""
    account_name: str = ""
    """What people call the account; typed to consent to a deletion when the account has no alias."""
    timeout: float = 8.0
    """Seconds to wait for one AWS answer before the look gives up on it."""


class Tool(Strict, frozen=True):
    """A command-line tool that the rebuild needs."""

    name: str
    minimum: str = ""
    """The lowest version that works; empty means any."""
    required: bool = True


class Variable(Strict, frozen=True):
    """An environment variable that the project's scripts read."""

    name: str
    secret: bool = False
    required: bool = True
    purpose: str = ""


class Environment(Strict, frozen=True):
    """What has to be on the operator's machine."""

    tools: tuple[Tool, ...] = ()
    variables: tuple[Variable, ...] = ()
    files: tuple[str, ...] = ()
    """Files that must exist, relative to the project: scripts, for example."""
    ssh_key: str = ""
    """The private key the nodes are reached with; `~` is expanded."""


class QuotaLimit(Strict, frozen=True):
    """One service quota that the rebuild depends on."""

    code: str
    service: str
    title: str
    needed: float | None = None
    """How much the rebuild takes; null means: derived (vCPUs from the node groups) or not known before a plan."""
    desired: float | None = None
    """What to ask for when the limit is too small; null means: what is needed."""


class Quota(Strict, frozen=True):
    limits: tuple[QuotaLimit, ...] = ()
    poll: float = 300.0
    """Seconds between two looks while an increase request is open."""
    wait: float = 7200.0
    """Seconds after which waiting for an approval ends."""


class GitHub(Strict, frozen=True):
    host: str = "github.com"
    repository: str = ""
    """owner/name, for secrets and variables; empty means that they are not looked at."""
    scopes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    enabled: bool = True


class Terraform(Strict, frozen=True):
    command: tuple[str, ...] = ("terraform",)
    directory: str = "terraform"
    """The folder of the root module, relative to the project."""
    var_files: tuple[str, ...] = ()
    workspace: str = ""
    parallelism: int = 10
    timeout: float = 60.0
    """Seconds for a query such as validate or show; plan and apply have no limit."""


class Kubectl(Strict, frozen=True):
    command: tuple[str, ...] = ("kubectl",)
    """May name values of terraform outputs: ["ssh", "ubuntu@{master_ip}", "kubectl"]."""
    context: str = ""
    timeout: float = 8.0


class NodeGroup(Strict, frozen=True):
    """A group of nodes of one instance type."""

    name: str
    count: int
    instance_type: str
    pattern: str
    """A shell pattern that matches the names of the group's nodes, in Kubernetes and in the Name tag."""


class Nodes(Strict, frozen=True):
    groups: tuple[NodeGroup, ...] = ()
    poll: float = 10.0
    wait: float = 1800.0


class Cleanup(Strict, frozen=True):
    """How leftovers of an earlier deployment are recognised."""

    names: tuple[str, ...] = ()
    """Shell patterns, matched against names of any kind: `*alb-controller*`."""
    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    """A resource that carries all of these is ours beyond doubt."""
    domains: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    """Shell patterns of names, ids and ARNs that are never touched, whatever else matches."""
    kinds: tuple[str, ...] = ()
    """Only these kinds; empty means all."""
    poll: float = 5.0
    wait: float = 2700.0
    """Seconds after which waiting for one resource to become deletable ends."""


class CloudFront(Strict, frozen=True):
    normal_minutes: tuple[int, int] = (5, 15)
    """How long a distribution usually takes to be deployed (the guide, 6.1)."""
    poll: float = 15.0
    wait: float = 3600.0


class Guide(Strict, frozen=True):
    documents: tuple[str, ...] = ()
    """Markdown files or folders, relative to the project; empty means the Eco² guide that ships with ecotui."""
    overlay: str = ""
    language: str = ""
    """`ko` or `en`; empty means that LANG decides."""


class Sessions(Strict, frozen=True):
    directory: str = ""
    """Where sessions are kept; empty means the XDG state folder."""
    keep_days: int = 180


class Settings(Strict, frozen=True):
    """The whole of ecotui.yaml."""

    project: str = ""
    aws: Aws = Aws()
    environment: Environment = Environment()
    quota: Quota = Quota()
    github: GitHub = GitHub()
    terraform: Terraform = Terraform()
    kubectl: Kubectl = Kubectl()
    nodes: Nodes = Nodes()
    cleanup: Cleanup = Cleanup()
    cloudfront: CloudFront = CloudFront()
    guide: Guide = Guide()
    sessions: Sessions = Sessions()
