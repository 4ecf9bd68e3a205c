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
from ecotui.demo.home import Home, prepare, write_aws
from ecotui.demo.process import sweep
from ecotui.demo.speed import Pace
from ecotui.demo.tools import Tools


class Stoppable(Protocol):
    def stop(self) -> None: ...


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ecotui.demo.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--temporary", action="store_true", help="remove the home at the end")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and closes our standard input
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    servers: list[Stoppable] = []
    try:
        ready = start(args.home, Pace(speed=args.speed), servers)
        _print(ready)
        while os.read(0, 4096):
            pass
        return 0
    except (OSError, ImportError, ValueError) as error:
        _print({"failed": f"{type(error).__name__}: {error}"})
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for server in reversed(servers):
            server.stop()
        if args.temporary:
            # The parent does this as well, unless it was killed.
            sweep(args.home.absolute(), spare={os.getpid()})
            shutil.rmtree(args.home, ignore_errors=True)


def start(root: Path, pace: Pace, servers: list[Stoppable]) -> dict[str, Any]:
    """Start everything; each server is added to `servers` as soon as it runs. Returns the ready line."""
    clock = time.perf_counter()
    home = prepare(root.absolute())
    _print({"doing": "AWS: moto, with quotas and CloudFront"})
    from ecotui.demo import seed
    from ecotui.demo.aws import cloudfront as aws_cloudfront
    from ecotui.demo.aws import server as aws
    from ecotui.demo.github.server import start as start_github
    from ecotui.demo.kubernetes import nodes as kubernetes_nodes
    from ecotui.demo.kubernetes import server as kubernetes_server

    world = aws.start(pace, home.image_list)
    servers.append(world)
    _print({"doing": "the leftovers of an earlier deployment"})
    key_id, secret = seed.make(world.endpoint, home.project / "terraform" / "k8s-cluster-key.pub")
    aws_cloudfront.deployed_long_ago(aws.ACCOUNT)
    write_aws(home, world.endpoint, seed.REGION, key_id, secret)
    _print({"doing": "GitHub and Kubernetes"})
    github = start_github(home.root / ".github")
    servers.append(github)
    control_plane = kubernetes_server.start(kubernetes_nodes.nodes(seed.REGION, pace))
    servers.append(control_plane)
    control_plane.write_kubeconfig(home.kubeconfig)
    tools = _tools(home)
    env = {
        **environment.base(home),
        **environment.servers(world.endpoint, github.env, tools.kinds, pace),
    }
    return {
        "ready": True,
        "env": env,
        "project": str(home.project),
        "sessions": str(home.sessions),
        "tools": tools.kinds,
        "notes": tools.notes,
        "token": github.demo_token,
        "account": seed.ALIAS,
        "seconds": round(time.perf_counter() - clock, 2),
    }


def _tools(home: Home) -> Tools:
    from ecotui.demo import fakes, tools

    found = tools.find(home, say=lambda text: _print({"doing": text}))
    if found.missing:
        fakes.install(home.stand_ins, found.missing)
    return found


def _print(line: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who asked for this world has gone: that is its end, not an error of it. Nothing may be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
