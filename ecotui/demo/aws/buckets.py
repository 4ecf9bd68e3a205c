"""Delete markers in moto: one that is the last version of its key cannot be deleted without this (moto 5.2)."""

from __future__ import annotations


def install() -> None:
    from moto.s3 import models

    setattr(models.FakeDeleteMarker, "dispose", lambda self: None)  # noqa: B010 - the class lacks it
