"""What earlier sessions saw, as the layer above hands it to the looks (`World.made`, `World.deleted`)."""

from __future__ import annotations

from checks.finding import FrozenStruct


class CreatedResource(FrozenStruct, frozen=True):
    """One resource that a recorded apply reported as created."""

    type: str
    """terraform's: `aws_vpc`."""
    id: str
    create_started: float
    """Seconds since the epoch: when terraform began to create it,"""
    run_ended: float
    """and when that whole run ended."""
    account: str
    region: str
    """Where the run worked."""
    workspace: str
    folder: str
    """Of the root module."""


class DeletedBucket(FrozenStruct, frozen=True):
    """A bucket that an earlier session saw go. In whichever account: the name is one for the whole world."""

    name: str
    deleted_at: float
    """Seconds since the epoch; rather too late than too early."""
