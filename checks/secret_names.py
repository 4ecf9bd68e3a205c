"""Names that say that their value is a secret: of variables, of attributes of resources, of placeholders in the guide.

The words are one table; what differs is which endings of a name say that its value is none after all.
"""

from __future__ import annotations

import re

_SECRET_WORD = re.compile(
    r"token|secret|passw|passphrase|credential|private_?(?:key|pem)|api_?key|access_?key|user_data", re.IGNORECASE
)
_SECRET_VARIABLE_WORD = re.compile(r"(?:^|[_-])(?:key|auth|pat)(?:$|[_-])", re.IGNORECASE)
"""Whole words that are secrets in the environment (GH_PAT, DEPLOY_KEY). An attribute `key` is the name of something."""

# What is called so tells where a secret is, or which one: `_arn`, `_ids`.
_NOT_SECRET = r"_(?:arns?|ids?|name)$|^secret_?name"
_NOT_SECRET_VARIABLE = re.compile(
    rf"{_NOT_SECRET}|_(?:file|path|dir|url|uri|type|sock|command|expiration|expiry|ttl)$", re.IGNORECASE
)
_NOT_SECRET_ATTRIBUTE = re.compile(rf"{_NOT_SECRET}|_(?:version|hash)$", re.IGNORECASE)


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable of this name usually holds a secret: its value is masked in what is logged."""
    return bool(_SECRET_WORD.search(name) or _SECRET_VARIABLE_WORD.search(name)) and not _NOT_SECRET_VARIABLE.search(
        name
    )


def is_secret_attribute(name: str) -> bool:
    """Whether an attribute of this name usually holds a secret: not every provider marks it as sensitive."""
    return bool(_SECRET_WORD.search(name)) and not _NOT_SECRET_ATTRIBUTE.search(name)


def is_secret_placeholder(name: str) -> bool:
    """Whether the value of a placeholder is asked for, masked, and never filled in. Here even the id of a key is."""
    return bool(_SECRET_WORD.search(name))
