"""The settings: every key of ecotui.yaml, typed. The values of a project stand in defaults.yaml or its own file.

Durations are seconds unless the name says otherwise. `msgspec.convert` refuses unknown keys, other types, and values that
the constraints below exclude; `extra["problem"]` says what is wrong with such a value.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

_MAX = 10**12
"""Of any number."""
S3_URL_PATTERN = r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s]*))?"
"""Bucket and prefix (S3 user guide, "General purpose bucket naming rules")."""


def _pattern(pattern: str, problem: str) -> Meta:
    """A constraint on a text: the whole of it matches."""
    return Meta(pattern=rf"\A(?:{pattern})\Z", extra={"problem": problem})


Seconds = Annotated[float, Meta(gt=0, le=_MAX, extra={"problem": "must be more than 0 seconds, is {value}"})]
Hours = Annotated[float, Meta(gt=0, le=_MAX, extra={"problem": "must be more than 0 hours, is {value}"})]
Amount = Annotated[float, Meta(ge=0, le=_MAX, extra={"problem": "must be 0 or more, is {value}"})]
Count = Annotated[int, Meta(ge=0, extra={"problem": "must be 0 or more, is {value}"})]
PositiveCount = Annotated[int, Meta(ge=1, extra={"problem": "must be 1 or more, is {value}"})]
LEASE_SECONDS_RANGE = (2.0, 3600.0)
"""S3 tells its clock in whole seconds; an hour without a word is no lock but an obstacle."""
LeaseSeconds = Annotated[
    float,
    Meta(
        ge=LEASE_SECONDS_RANGE[0],
        le=LEASE_SECONDS_RANGE[1],
        extra={"problem": "must be between 2 and 3600 seconds, is {value}"},
    ),
]
Text = Annotated[str, Meta(pattern=r"\S", extra={"problem": "is empty"})]
"""Text that is not blank."""
Region = Annotated[
    str, _pattern(r"([a-z]{2,4}(-[a-z]+){1,3}-\d{1,2})?", "{value} is not a region; one looks like eu-west-1")
]
Account = Annotated[str, _pattern(r"(\d{12})?", "{value} is not an account id, which is 12 digits")]
Version = Annotated[str, _pattern(r"(\d+(\.\d+){0,3})?", "{value} is not a version such as 1.5.0")]
VariableName = Annotated[str, _pattern(r"[A-Za-z_][A-Za-z0-9_]*", "{value} is not the name of a variable")]
QuotaCode = Annotated[str, _pattern(r"L-[0-9A-F]{8}", "{value} is not a quota code such as L-1216C47A")]
HostName = Annotated[str, _pattern(r"[^/ ]+", "{value} is not a host name such as github.com")]
Repository = Annotated[str, _pattern(r"([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?", "{value} is not OWNER/NAME")]
InstanceType = Annotated[str, _pattern(r"[a-z0-9-]+\.[a-z0-9-]+", "{value} is not an instance type such as t3a.medium")]
S3Url = Annotated[str, _pattern(f"({S3_URL_PATTERN})?", "{value} is no s3://bucket/prefix")]
Language = Annotated[str, _pattern("(ko|en)?", "expected ko or en, got {value}")]
NamePattern = Annotated[
    str, Meta(pattern=r"[^*? ]", extra={"problem": "{value} would match every resource of the account"})
]
Prefix = Annotated[
    str, Meta(pattern=r"\S", extra={"problem": "an empty prefix would match every resource of the account"})
]
Word = Annotated[str, _pattern(r"[^\0]*", "a NUL byte cannot be part of a command")]
Command = Annotated[tuple[Word, ...], Meta(min_length=1, extra={"problem": "the command is empty"})]


class StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the settings: immutable, and strict about its keys."""


class AwsSettings(StrictStruct, frozen=True):
    """Which account is meant, and how to reach it."""

    region: Region = ""
    """The region of the cluster; empty means that the AWS configuration decides."""
    profile: str = ""
    """The profile of ~/.aws/config; empty means the default credential chain."""
    account: Account = ""
    """The 12-digit id that the identity must have; empty means that it is not checked."""
    account_name: str = ""
    """What people call the account; typed to consent to a deletion when the account has no alias."""
    timeout: Seconds = 8.0
    """Seconds to wait for one AWS answer before a check gives up on it."""


class ToolSettings(StrictStruct, frozen=True):
    """A command-line tool that the rebuild needs."""

    name: str
    """What it is called on PATH."""
    minimum: Version = ""
    """The lowest version that works; empty means any."""
    required: bool = True
    """False: its absence is reported, and blocks nothing."""


class VariableSettings(StrictStruct, frozen=True):
    """An environment variable that the project's scripts read."""

    name: VariableName
    """Its name; the value is never shown."""
    secret: bool = False
    """True: its value is masked and redacted wherever it would appear."""
    required: bool = True
    """False: its absence is reported, and blocks nothing."""
    purpose: str = ""
    """What it is for, in a few words."""


class EnvironmentSettings(StrictStruct, frozen=True):
    """What has to be on the operator's machine."""

    tools: tuple[ToolSettings, ...] = ()
    """Command-line tools that have to be on PATH."""
    variables: tuple[VariableSettings, ...] = ()
    """Environment variables that the project's scripts read."""
    files: tuple[Text, ...] = ()
    """Files that must exist, relative to the project: scripts, for example."""
    ssh_key: str = ""
    """The private key the nodes are reached with; `~` is expanded."""


class QuotaLimitSettings(StrictStruct, frozen=True):
    """One service quota that the rebuild depends on."""

    code: QuotaCode
    """AWS's code of the quota: `L-1216C47A`."""
    service: str
    """The service code in Service Quotas: `ec2`."""
    title: str
    """What people call it."""
    needed: Amount | None = None
    """How much the rebuild takes; null means: derived (vCPUs from the node groups) or not known before a plan."""
    desired: Amount | None = None
    """What to ask for when the limit is too small; null means: what is needed."""


class QuotaSettings(StrictStruct, frozen=True):
    """The quotas, and how long an increase is waited for."""

    limits: tuple[QuotaLimitSettings, ...] = ()
    """The quotas that are checked."""
    poll: Seconds = 300.0
    """Seconds between two checks while an increase request is open."""
    wait: Seconds = 7200.0
    """Seconds after which waiting for an approval ends."""


class GitHubSettings(StrictStruct, frozen=True):
    """The GitHub repository, and what the token must be allowed to do."""

    host: HostName = "github.com"
    """The GitHub server."""
    repository: Repository = ""
    """owner/name, for secrets and variables; empty means that they are not checked."""
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

    command: Command = ("terraform",)
    """How terraform is started: `tofu`, for example."""
    directory: Annotated[
        str, Meta(min_length=1, extra={"problem": "is empty; write . for the project's own folder"})
    ] = "terraform"
    """The folder of the root module, relative to the project."""
    var_files: tuple[Text, ...] = ()
    """Files of variables, relative to the terraform folder."""
    workspace: str = ""
    """The workspace that is meant; empty means the one that is selected."""
    parallelism: PositiveCount = 10
    """How many resources terraform works on at once; 10 is terraform's own default."""
    timeout: Seconds = 60.0
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
    """How kubectl is run."""

    command: Command = ("kubectl",)
    """May name values of terraform outputs: ["ssh", "ubuntu@{master_ip}", "kubectl"]."""
    context: str = ""
    """The context of the kubeconfig; empty means the current one."""
    timeout: Seconds = 8.0
    """Seconds to wait for one answer of the API server."""


class NodeGroupSettings(StrictStruct, frozen=True):
    """A group of nodes of one instance type."""

    name: Annotated[str, Meta(min_length=1, extra={"problem": "is empty"})]
    """What people call the group."""
    count: Count
    """How many nodes there have to be."""
    instance_type: InstanceType
    """The EC2 instance type: `t3a.medium`."""
    pattern: Annotated[str, Meta(min_length=1, extra={"problem": "is empty; no node would match it"})]
    """A shell pattern that matches the names of the group's nodes, in Kubernetes and in the Name tag."""


class NodesSettings(StrictStruct, frozen=True):
    """The nodes that are expected."""

    groups: tuple[NodeGroupSettings, ...] = ()
    """The nodes that the rebuilt cluster has."""
    poll: Seconds = 10.0
    """Seconds between two checks while waiting."""
    wait: Seconds = 1800.0
    """Seconds after which waiting for the nodes ends."""


class CleanupSettings(StrictStruct, frozen=True):
    """How leftovers of an earlier deployment are recognised."""

    names: tuple[NamePattern, ...] = ()
    """Shell patterns, matched against names of any kind: `*alb-controller*`."""
    exact: tuple[Text, ...] = ()
    """Names that are matched as they are."""
    prefixes: tuple[Prefix, ...] = ()
    """Beginnings of names."""
    tags: dict[str, str] = {}
    """A resource that carries all of these is ours beyond doubt."""
    domains: tuple[str, ...] = ()
    """Domains whose certificates, records and distributions belong to the project."""
    protect: tuple[str, ...] = ()
    """Shell patterns of names, ids and ARNs that are never touched, whatever else matches."""
    keep_tag: str = "ecotui:keep"
    """A tag that protects what carries it: until the date in its value (2027-01-31), or for good (`forever`)."""
    kinds: tuple[str, ...] = ()
    """Only these kinds; empty means all."""
    approval_hours: Hours = 24.0
    """Hours after which an approved list deletes nothing any more, and a new one has to be approved."""
    poll: Seconds = 5.0
    """Seconds between two checks of a resource that is being deleted."""
    wait: Seconds = 2700.0
    """Seconds after which waiting for one resource to become deletable ends."""
    command: tuple[str, ...] = ()
    """The team's own script, which can be run instead; empty means scripts/maintenance/destroy-with-cleanup.sh where it exists."""
    variables: tuple[str, ...] = ()
    """Environment variables that this script needs."""
    stages: tuple[str, ...] = ()
    """Regular expressions of its headings (group 1 is the title); empty means the usual ways to write them."""


class CloudFrontSettings(StrictStruct, frozen=True):
    """How long distributions take."""

    normal_minutes: tuple[Count, Count] = (5, 15)
    """How long a distribution usually takes to be deployed (the guide, 6.1)."""
    poll: Seconds = 15.0
    """Seconds between two checks while waiting."""
    wait: Seconds = 3600.0
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
    language: Language = ""
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
    """The folder of the sessions; empty means the XDG state folder."""
    keep_days: Count = 180
    """Days after which `ecotui sessions prune` removes a session."""
    team: S3Url = ""
    """s3://bucket/prefix, where machines share one lock for each account and their sessions' summaries; empty: not shared."""
    lease: LeaseSeconds = 120.0
    """Seconds without a word after which the team's lock is free: its holder's machine died, or lost its network."""
    archive: S3Url = ""
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
