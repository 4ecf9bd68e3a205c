"""The demo's world as a process: `python -m ecotui.demo.server --home DIR [--speed N] [--temporary]`.

Starts the AWS, the GitHub and the Kubernetes, makes the broken beginning, and prints JSON lines: `{"doing": "..."}` while it
starts, then one `{"ready": true, "env": {...}, "project": "...", "tools": {...}, "seconds": ...}`, or `{"failed": "..."}`. `env` is the
whole environment for what is started in this world. Lives until its standard input ends or SIGTERM comes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from ecotui.demo import environment
from ecotui.demo.home import create_home, write_aws_profile
from ecotui.demo.process import stop_demo_processes
from ecotui.demo.speed import DemoTimings
from ecotui.demo.tools import prepare_tools


class Stoppable(Protocol):
    def stop(self) -> None: ...


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ecotui.demo.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--temporary", action="store_true", help="remove the home at the end")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and closes our standard input
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    servers: list[Stoppable] = []
    try:
        ready = start_servers(args.home, DemoTimings(speed=args.speed), servers)
        _print_json(ready)
        while os.read(0, 4096):
            pass
        return 0
    except (OSError, ImportError, ValueError) as error:
        _print_json({"failed": f"{type(error).__name__}: {error}"})
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for server in reversed(servers):
            server.stop()
        if args.temporary:
            # The parent does this as well, unless it was killed.
            stop_demo_processes(args.home.absolute(), exclude={os.getpid()})
            shutil.rmtree(args.home, ignore_errors=True)


def start_servers(root: Path, timings: DemoTimings, servers: list[Stoppable]) -> dict[str, Any]:
    """Start everything; each server is added to `servers` as soon as it runs. Returns the ready line."""
    clock = time.perf_counter()
    home = create_home(root.absolute())
    _print_json({"doing": "AWS: moto, with quotas and CloudFront"})
    from ecotui.demo import seed
    from ecotui.demo.aws import cloudfront as aws_cloudfront
    from ecotui.demo.aws import server as aws
    from ecotui.demo.github.server import start_github
    from ecotui.demo.kubernetes import nodes as kubernetes_nodes
    from ecotui.demo.kubernetes import server as kubernetes_server

    world = aws.start_aws(timings, home.aws_data)
    servers.append(world)
    _print_json({"doing": "the leftovers of an earlier deployment"})
    key_id, secret = seed.seed_account(world.endpoint, home.project / "terraform" / "k8s-cluster-key.pub")
    aws_cloudfront.backdate_deployments(aws.ACCOUNT_ID)
    write_aws_profile(home, world.endpoint, seed.REGION, key_id, secret)
    _print_json({"doing": "GitHub and Kubernetes"})
    github = start_github(home.root / ".github")
    servers.append(github)
    control_plane = kubernetes_server.start_kubernetes(kubernetes_nodes.node_lister(seed.REGION, timings))
    servers.append(control_plane)
    control_plane.write_kubeconfig(home.kubeconfig)
    tools = prepare_tools(home, report=lambda text: _print_json({"doing": text}))
    env = {
        **environment.base_environment(home),
        **environment.server_environment(world.endpoint, github.env, tools.kinds, timings),
    }
    return {
        "ready": True,
        "env": env,
        "project": str(home.project),
        "sessions": str(home.sessions),
        "tools": tools.kinds,
        "notes": tools.notes,
        "token": github.demo_token,
        "account": seed.ACCOUNT_ALIAS,
        "seconds": round(time.perf_counter() - clock, 2),
    }


def _print_json(line: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who asked for this world has gone: that is its end, not an error of it. Nothing may be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _exit_on_signal(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
