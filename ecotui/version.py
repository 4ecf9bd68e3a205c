"""The version of ecotui; the package takes its own from here."""

VERSION = "0.1.0"


def version() -> str:
    """Written down rather than asked of the installed package: importlib.metadata brings a whole mail parser."""
    return VERSION
