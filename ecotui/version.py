"""The installed version."""


def version() -> str:
    """The version of the installed package; importlib.metadata is slow, so only on demand."""
    from importlib.metadata import version as installed

    return installed("ecotui")
