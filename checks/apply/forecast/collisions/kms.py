"""Collisions of KMS: aliases of keys, unique in a region."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, find_in_listing

KINDS = (
    CollisionKind(
        "aws_kms_alias",
        find_in_listing("list_aliases", "Aliases", "AliasName", "AliasArn", "AliasName"),
        "kms:ListAliases",
        "kms",
    ),
)
