"""What a child of the demo sees: an environment made anew, in which nothing of the user's credentials is left."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ecotui.demo.home import AWS_PROFILE_NAME, DemoHome
from ecotui.demo.speed import DemoTimings

# Taken over as they are: the terminal, the language, where programs and Python's modules are, what tunes the display, and Go.
# Everything else stays outside: AWS_*, GH_*, GITHUB_*, KUBECONFIG, TF_*, proxies, the agent's sockets, ...
_INHERITED_VARIABLES = frozenset(
    {
        "PATH",
        "TERM",
        "COLORTERM",
        "TERM_PROGRAM",
        "LANG",
        "LANGUAGE",
        "TZ",
        "USER",
        "LOGNAME",
        "SHELL",
        "NO_COLOR",
        "COLUMNS",
        "LINES",
        "PYTHONPATH",
        "PYTHONHASHSEED",
        "PYTHONDONTWRITEBYTECODE",
        "VIRTUAL_ENV",
        "ECOTUI_DEBUG",
        "GOGC",
        "SYSTEMROOT",
    }
)
_INHERITED_PREFIXES = ("LC_", "TEXTUAL_", "COVERAGE_")

HOME_VARIABLE = "ECOTUI_DEMO_HOME"
"""Names the demo's home to every process of it: what is left over at the end is found by it."""


def base_environment(home: DemoHome, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part that does not depend on the running servers."""
    env = os.environ if env is None else env
    kept = {
        name: value
        for name, value in env.items()
        if name in _INHERITED_VARIABLES or name.startswith(_INHERITED_PREFIXES)
    }
    root = home.root
    return {
        **kept,
        "PATH": f"{home.tools}{os.pathsep}{env.get('PATH', os.defpath)}",
        "HOME": str(root),
        "TMPDIR": str(root / "tmp"),
        "XDG_CONFIG_HOME": str(root / ".config"),
        "XDG_CACHE_HOME": str(root / ".cache"),
        "XDG_DATA_HOME": str(root / ".local" / "share"),
        "XDG_STATE_HOME": str(root / ".local" / "state"),
        "ECOTUI_STATE_DIR": str(home.sessions),
        "AWS_CONFIG_FILE": str(home.aws_config),
        "AWS_SHARED_CREDENTIALS_FILE": str(home.aws_credentials),
        "AWS_PROFILE": AWS_PROFILE_NAME,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "KUBECONFIG": str(home.kubeconfig),
        "TF_CLI_CONFIG_FILE": str(home.terraform_config),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "GITHUB_USERNAME": "eco-operator",
        "VERSION": "0.7.3",
        HOME_VARIABLE: str(root),
        "ECOTUI_DEMO_PROJECT": str(home.project),
    }


def server_environment(
    endpoint: str, github: Mapping[str, str], tools: Mapping[str, str], timings: DemoTimings
) -> dict[str, str]:
    """The part that names the running servers, and what is real in this demo."""
    return {
        **github,
        "AWS_ENDPOINT_URL": endpoint,
        "ECOTUI_DEMO": ", ".join(f"{name} {kind}" for name, kind in tools.items()),
        # The demo's waits are short, and shorter still at a higher speed: look as often as that asks for.
        "ECOTUI_QUOTA_POLL": _poll_interval(timings, 5.0),
        "ECOTUI_CLEANUP_POLL": _poll_interval(timings, 3.0),
        "ECOTUI_CLOUDFRONT_POLL": _poll_interval(timings, 5.0),
        "ECOTUI_NODES_POLL": _poll_interval(timings, 2.0),
    }


def _poll_interval(timings: DemoTimings, seconds: float) -> str:
    return f"{max(0.5, timings.scale(seconds)):g}"
