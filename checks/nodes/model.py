"""The tables of the nodes step. Imports nothing heavy."""

from __future__ import annotations

from checks.finding import FrozenStruct


class NodeGroupRow(FrozenStruct, frozen=True):
    """A group of nodes: expected by the settings, joined, Ready."""

    name: str
    expected: int
    joined: int
    """Nodes of the group that the API server lists."""
    ready: int
    running: int | None = None
    """Instances of the group that run; None when EC2 could not be asked."""
    type: str = ""
    """The instance type that the settings name."""


class NodeRow(FrozenStruct, frozen=True):
    """A node, or an instance of a group that has not joined."""

    name: str
    group: str
    """Empty: no group expects it."""
    joined: bool
    ready: bool
    schedulable: bool = True
    """False: cordoned. That is not a failure."""
    conditions: tuple[str, ...] = ()
    """What is wrong, as the API names it: `Ready=False (KubeletNotReady)`, `MemoryPressure`."""
    message: str = ""
    """The kubelet's own words on why it is not Ready."""
    instance_id: str = ""
    instance_state: str = ""
    """EC2's word: `running`; `gone` when EC2 does not know the instance; empty when EC2 could not be asked."""
    type: str = ""
    version: str = ""
    """Of the kubelet."""
    age: float | None = None
    """Seconds since the node joined, or, before that, since its instance was started."""
    internal_ip: str = ""
    public_ip: str = ""
    user: str = ""
    """The login that the machine's image has: `ubuntu`."""


class WorkloadsRow(FrozenStruct, frozen=True):
    """The pods and services, counted."""

    running: int = 0
    pending: int = 0
    failed: int = 0
    failing: int = 0
    """Of all of them, those with a container that cannot start, or crashes: CrashLoopBackOff, ImagePullBackOff."""
    unready: int = 0
    """Running, and not ready."""
    troubled: tuple[str, ...] = ()
    """A few of them: `workers/ai-worker-6c9f8: CrashLoopBackOff (17 restarts)`."""
    services: dict[str, int] = {}  # noqa: RUF012 - msgspec gives each value its own
    """How many of each type."""
    without_address: tuple[str, ...] = ()
    """Services of type LoadBalancer that have no address yet."""


class NodesDetail(FrozenStruct, frozen=True):
    """All that the check read, in `Report.detail`."""

    answers: bool
    """The API server answered. When False, `groups` and `rows` are of instances only."""
    reason: str = ""
    """Why it did not."""
    expected: int = 0
    ready: int = 0
    groups: tuple[NodeGroupRow, ...] = ()
    rows: tuple[NodeRow, ...] = ()
    """Nodes that are not Ready first, then by group and name."""
    pods: WorkloadsRow | None = None
    """None: not checked, or not allowed."""
    context: str = ""
