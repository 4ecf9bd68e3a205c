"""The tables of the environment step, as `Report.detail` carries them and a session records them. Imports nothing heavy."""

from __future__ import annotations

from checks.finding import CheckState, FrozenStruct


class ToolRow(FrozenStruct, frozen=True):
    """A tool as it was found, for the step's table."""

    name: str
    state: CheckState
    version: str = ""
    minimum: str = ""
    path: str = ""
    required: bool = True


class AwsProfile(FrozenStruct, frozen=True):
    """A profile that can be picked."""

    name: str
    method: str = ""
    """`sso`, `role`, `process`, `keys`, or empty when the files do not say."""
    account: str = ""
    """The account that it leads to, where the file says so."""


class IdentitySummary(FrozenStruct, frozen=True):
    """The AWS identity, for the step's header."""

    account: str = ""
    alias: str = ""
    arn: str = ""
    region: str = ""
    profile: str = ""
    source: str = ""
    expires: float | None = None
    """Seconds since the epoch."""
    profiles: tuple[AwsProfile, ...] = ()


class VariableRow(FrozenStruct, frozen=True):
    """A variable, for the step's table; never its value."""

    name: str
    set: bool
    secret: bool = False
    required: bool = True
    purpose: str = ""


class EnvironmentDetail(FrozenStruct, frozen=True):
    """What the step's screen shows beside the findings."""

    tools: tuple[ToolRow, ...] = ()
    identity: IdentitySummary = IdentitySummary()
    variables: tuple[VariableRow, ...] = ()
    project: str = ""
    terraform_folder: str = ""
