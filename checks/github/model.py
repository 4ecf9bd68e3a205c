"""The tables of the GitHub step. Imports nothing heavy."""

from __future__ import annotations

from checks.finding import FrozenStruct


class ScopeRow(FrozenStruct, frozen=True):
    """One scope that the rebuild needs."""

    scope: str
    state: str
    """`have`, `implied`, `missing`, or `unknown` where the token does not tell."""
    by: str = ""
    """The wider scope that includes it."""


class SecretOrVariableRow(FrozenStruct, frozen=True):
    """One secret or variable of the repository."""

    name: str
    state: str
    """`set`, `organisation`, `missing`, `refused` (GitHub takes no such name), `automatic`, `unknown`, or `other`:
    there, and not asked for."""
    updated: str = ""
    """The day, as GitHub gives it."""


class GitHubDetail(FrozenStruct, frozen=True):
    """All that the check read, in `Report.detail`."""

    host: str
    login: str = ""
    """Empty: not logged in, or nobody could be asked."""
    name: str = ""
    source: str = ""
    """Where the token comes from, in words."""
    variable: str = ""
    """The environment variable that the token comes from; empty for the stored login."""
    scopes: tuple[ScopeRow, ...] = ()
    given: tuple[str, ...] = ()
    """All scopes of the token; empty also where they are not told."""
    scopes_told: bool = False
    expires: str = ""
    stored_login: str = ""
    """The login that gh has stored, where a variable hides it and it was asked."""
    stored_missing: tuple[str, ...] = ()
    """What that login lacks of the wanted scopes."""
    repository: str = ""
    secrets: tuple[SecretOrVariableRow, ...] = ()
    variables: tuple[SecretOrVariableRow, ...] = ()
