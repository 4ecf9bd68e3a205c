"""The settings: every key of ecotui.yaml, typed. The values of a project stand in defaults.yaml or its own file.

Durations are seconds unless the name says otherwise. Unknown keys are refused by the decoder.
"""

from __future__ import annotations

import msgspec


class StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the settings: immutable, and strict about its keys."""


class AwsSettings(StrictStruct, frozen=True):
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


class ToolSettings(StrictStruct, frozen=True):
    """A command-line tool that the rebuild needs."""

    name: str
    """What it is called on PATH."""
    minimum: str = ""
    """The lowest version that works; empty means any."""
    required: bool = True
    """False: its absence is said, and blocks nothing."""


class VariableSettings(StrictStruct, frozen=True):
    """An environment variable that the project's scripts read."""

    name: str
    """Its name; the value is never shown."""
    secret: bool = False
    """True: its value is masked and redacted wherever it would appear."""
    required: bool = True
    """False: its absence is said, and blocks nothing."""
    purpose: str = ""
    """What it is for, in a few words."""


class EnvironmentSettings(StrictStruct, frozen=True):
    """What has to be on the operator's machine."""

    tools: tuple[ToolSettings, ...] = ()
    """Command-line tools that have to be on PATH."""
    variables: tuple[VariableSettings, ...] = ()
    """Environment variables that the project's scripts read."""
    files: tuple[str, ...] = ()
    """Files that must exist, relative to the project: scripts, for example."""
    ssh_key: str = ""
    """The private key the nodes are reached with; `~` is expanded."""


class QuotaLimitSettings(StrictStruct, frozen=True):
    """One service quota that the rebuild depends on."""

    code: str
    """AWS's code of the quota: `L-1216C47A`."""
    service: str
    """The service code in Service Quotas: `ec2`."""
    title: str
    """What people call it."""
    needed: float | None = None
    """How much the rebuild takes; null means: derived (vCPUs from the node groups) or not known before a plan."""
    desired: float | None = None
    """What to ask for when the limit is too small; null means: what is needed."""


class QuotaSettings(StrictStruct, frozen=True):
    """The quotas, and how patiently an increase is waited for."""

    limits: tuple[QuotaLimitSettings, ...] = ()
    """The quotas that are looked at."""
    poll: float = 300.0
    """Seconds between two looks while an increase request is open."""
    wait: float = 7200.0
    """Seconds after which waiting for an approval ends."""


class GitHubSettings(StrictStruct, frozen=True):
    """The GitHub login and what it must be allowed to do."""

    host: str = "github.com"
    """The GitHub server."""
    repository: str = ""
    """owner/name, for secrets and variables; empty means that they are not looked at."""
    scopes: tuple[str, ...] = ()
    """Scopes that the token must have, itself or implied by a wider one."""
    secrets: tuple[str, ...] = ()
    """Names of Actions secrets that the repository must have."""
    variables: tuple[str, ...] = ()
    """Names of Actions variables that the repository must have."""
    enabled: bool = True
    """False: the project does not use GitHub, and the step is skipped."""


class TerraformSettings(StrictStruct, frozen=True):
    """How terraform is run."""

    command: tuple[str, ...] = ("terraform",)
    """How terraform is started: `tofu`, for example."""
    directory: str = "terraform"
    """The folder of the root module, relative to the project."""
    var_files: tuple[str, ...] = ()
    """Files of variables, relative to the terraform folder."""
    workspace: str = ""
    """The workspace that is meant; empty means the one that is selected."""
    parallelism: int = 10
    """How many resources terraform works on at once; 10 is terraform's own default."""
    timeout: float = 60.0
    """Seconds for a query such as validate or show; plan and apply have no limit."""


class RebuildSettings(StrictStruct, frozen=True):
    """The team's own script, which can be run instead of plan and apply."""

    command: tuple[str, ...] = ()
    """How it is started, from the project's folder; empty means scripts/cluster/auto-rebuild.sh where it exists."""
    variables: tuple[str, ...] = ()
    """Environment variables that it needs; empty means those that `environment.variables` requires."""
    stages: tuple[str, ...] = ()
    """Regular expressions of its headings (group 1 is the title); empty means the usual ways to write them."""


class KubectlSettings(StrictStruct, frozen=True):
    """How the cluster is asked."""

    command: tuple[str, ...] = ("kubectl",)
    """May name values of terraform outputs: ["ssh", "ubuntu@{master_ip}", "kubectl"]."""
    context: str = ""
    """The context of the kubeconfig; empty means the current one."""
    timeout: float = 8.0
    """Seconds to wait for one answer of the API server."""


class NodeGroupSettings(StrictStruct, frozen=True):
    """A group of nodes of one instance type."""

    name: str
    """What people call the group."""
    count: int
    """How many nodes there have to be."""
    instance_type: str
    """The EC2 instance type: `t3a.medium`."""
    pattern: str
    """A shell pattern that matches the names of the group's nodes, in Kubernetes and in the Name tag."""


class NodesSettings(StrictStruct, frozen=True):
    """The nodes that are expected."""

    groups: tuple[NodeGroupSettings, ...] = ()
    """The nodes that the rebuilt cluster has."""
    poll: float = 10.0
    """Seconds between two looks while waiting."""
    wait: float = 1800.0
    """Seconds after which waiting for the nodes ends."""


class CleanupSettings(StrictStruct, frozen=True):
    """How leftovers of an earlier deployment are recognised."""

    names: tuple[str, ...] = ()
    """Shell patterns, matched against names of any kind: `*alb-controller*`."""
    exact: tuple[str, ...] = ()
    """Names that are matched as they are."""
    prefixes: tuple[str, ...] = ()
    """Beginnings of names."""
    tags: dict[str, str] = {}
    """A resource that carries all of these is ours beyond doubt."""
    domains: tuple[str, ...] = ()
    """Domains whose certificates, records and distributions belong to the project."""
    protect: tuple[str, ...] = ()
    """Shell patterns of names, ids and ARNs that are never touched, whatever else matches."""
    keep_tag: str = "ecotui:keep"
    """A tag that protects what carries it: until the date that it holds (2027-01-31), or for good (`forever`)."""
    kinds: tuple[str, ...] = ()
    """Only these kinds; empty means all."""
    poll: float = 5.0
    """Seconds between two looks at a resource that is being deleted."""
    wait: float = 2700.0
    """Seconds after which waiting for one resource to become deletable ends."""
    command: tuple[str, ...] = ()
    """The team's own script, which can be run instead; empty means scripts/maintenance/destroy-with-cleanup.sh where it exists."""
    variables: tuple[str, ...] = ()
    """Environment variables that this script needs."""
    stages: tuple[str, ...] = ()
    """Regular expressions of its headings (group 1 is the title); empty means the usual ways to write them."""


class CloudFrontSettings(StrictStruct, frozen=True):
    """How long distributions take."""

    normal_minutes: tuple[int, int] = (5, 15)
    """How long a distribution usually takes to be deployed (the guide, 6.1)."""
    poll: float = 15.0
    """Seconds between two looks while waiting."""
    wait: float = 3600.0
    """Seconds after which waiting for the distributions ends."""


SHIPPED_GUIDE = "eco2"
"""The name of the guide that ships with ecotui, in `guide.documents` and before its numbers: `eco2:3.1`."""


class GuideSettings(StrictStruct, frozen=True):
    """The troubleshooting guide."""

    documents: tuple[str, ...] = ()
    """Markdown files or folders, relative to the project, in order of preference; `eco2` among them is the guide that
    ships with ecotui, and without any it is the only one."""
    overlay: str = ""
    """A YAML file, relative to the project, that adds signatures, findings and corrections to entries, by their ids;
    `eco2` lays that of the shipped guide over your own version of it. `NAME.guide.yaml` beside NAME.md needs no setting."""
    language: str = ""
    """`ko` or `en`; empty means that LANG decides."""

    def qualify_entry_numbers(self, numbers: tuple[str, ...]) -> tuple[str, ...]:
        """How entries of the shipped guide, which the findings name, are called with these documents; none without it."""
        if not self.documents or self.documents[0] == SHIPPED_GUIDE or self.overlay == SHIPPED_GUIDE:
            return numbers
        if SHIPPED_GUIDE in self.documents:
            return tuple(f"{SHIPPED_GUIDE}:{number}" for number in numbers)
        return ()


class SessionsSettings(StrictStruct, frozen=True):
    """The session log."""

    directory: str = ""
    """Where sessions are kept; empty means the XDG state folder."""
    keep_days: int = 180
    """Days after which `ecotui sessions prune` removes a session."""
    team: str = ""
    """s3://bucket/prefix, where machines share one lock for each account and their sessions' summaries; empty: not shared."""
    lease: float = 120.0
    """Seconds without a word after which the team's lock is free: its holder's machine died, or lost its network."""
    archive: str = ""
    """s3://bucket/prefix for `ecotui sessions archive`; empty means that --to names one."""


class Settings(StrictStruct, frozen=True):
    """The whole of ecotui.yaml."""

    project: str = ""
    """The name of the project, for headers and logs."""
    aws: AwsSettings = AwsSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    quota: QuotaSettings = QuotaSettings()
    github: GitHubSettings = GitHubSettings()
    terraform: TerraformSettings = TerraformSettings()
    rebuild: RebuildSettings = RebuildSettings()
    kubectl: KubectlSettings = KubectlSettings()
    nodes: NodesSettings = NodesSettings()
    cleanup: CleanupSettings = CleanupSettings()
    cloudfront: CloudFrontSettings = CloudFrontSettings()
    guide: GuideSettings = GuideSettings()
    sessions: SessionsSettings = SessionsSettings()
