"""An AWS that takes its time, as a process: moto with a CloudFront that deploys for a minute, load balancers whose network
interfaces stay for some seconds, and the throttling of IAM and EC2. Prints its address, serves until its standard input
ends.

What one balances: IAM about 20 calls a second, EC2 by its documented buckets (API throttling, EC2 developer guide).
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

RATES = {"iam": (40.0, 20.0), "ec2": (100.0, 20.0), "cloudfront": (20.0, 10.0)}
"""Service: calls at once, and calls a second from there. The other services are far above what a cleanup asks."""
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[a-z0-9-]+)/aws4_request")


class Throttle:
    """WSGI middleware: token buckets; beyond them the refusal in the words of the service."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._left = {service: (burst, time.monotonic()) for service, (burst, _) in RATES.items()}
        self.refused = 0

    def __call__(self, environ: dict[str, Any], answer: Callable[..., Any]) -> Iterable[bytes]:
        found = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = found["service"] if found else ""
        if service in RATES and not self._take(service):
            body = (
                b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message>"
                b"</Error></Errors><RequestID>x</RequestID></Response>"
                if service == "ec2"
                else b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
            )
            answer("503 Service Unavailable" if service == "ec2" else "400 Bad Request",
                   [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])  # fmt: skip
            return [body]
        return self._app(environ, answer)

    def _take(self, service: str) -> bool:
        burst, rate = RATES[service]
        with self._lock:
            left, at = self._left[service]
            now = time.monotonic()
            left = min(burst, left + (now - at) * rate)
            taken = left >= 1.0
            self._left[service] = (left - taken, now)
            self.refused += not taken
            return taken


def balancers_that_linger(seconds: float) -> None:
    """A load balancer has a network interface in each subnet; they go so long after it, and hold what they use until then."""
    from moto.ec2.exceptions import DependencyViolationError
    from moto.ec2.models import EC2Backend, ec2_backends
    from moto.elbv2.models import ELBv2Backend

    backend: Any = ELBv2Backend
    create, delete = backend.create_load_balancer, backend.delete_load_balancer
    leaving: dict[str, float] = {}

    def described(balancer: Any) -> str:
        return f"ELB {balancer.arn.partition(':loadbalancer/')[2]}"

    def create_load_balancer(self: Any, *words: Any, **named: Any) -> Any:
        made = create(self, *words, **named)
        ec2 = ec2_backends[self.account_id][self.region_name]
        for subnet in made.subnets:
            interface = ec2.create_network_interface(
                subnet, "", group_ids=made.security_groups, description=described(made)
            )
            interface.requester_managed = True
        return made

    def delete_load_balancer(self: Any, arn: str) -> None:
        if arn in self.load_balancers:
            leaving[described(self.load_balancers[arn])] = time.monotonic() + seconds
        delete(self, arn)

    def sweep(ec2: Any) -> None:
        for interface in list(ec2.enis.values()):
            if leaving.get(interface.description, time.monotonic() + 1) <= time.monotonic():
                ec2.enis.pop(interface.id)

    def held(name: str, holds: Callable[[Any, str], bool]) -> None:
        real = getattr(EC2Backend, name)

        def guarded(self: Any, *words: Any, **named: Any) -> Any:
            sweep(self)
            id = next(one for one in (*words, *named.values()) if isinstance(one, str) and "-" in one)
            if any(holds(one, id) for one in self.enis.values()):
                raise DependencyViolationError(f"resource {id} has a dependent object")
            return real(self, *words, **named)

        setattr(EC2Backend, name, guarded)

    listed = EC2Backend.describe_network_interfaces

    def describe_network_interfaces(self: Any, *words: Any, **named: Any) -> Any:
        sweep(self)
        return listed(self, *words, **named)

    EC2Backend.describe_network_interfaces = describe_network_interfaces  # type: ignore[method-assign]
    backend.create_load_balancer, backend.delete_load_balancer = create_load_balancer, delete_load_balancer
    held("delete_security_group", lambda one, id: id in {group.id for group in one.group_set})
    held("delete_subnet", lambda one, id: one.subnet.id == id)
    held("delete_vpc", lambda one, id: one.subnet.vpc_id == id)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--distribution", type=float, default=60.0, help="seconds to Deployed")
    parser.add_argument("--balancer", type=float, default=10.0, help="seconds for its interfaces to go")
    parser.add_argument("--keys", type=int, default=0, help="key pairs that are there from the start")
    args = parser.parse_args()
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from ecotui.demo.aws import cloudfront as aws_cloudfront
    from ecotui.demo.aws import ec2 as aws_ec2
    from ecotui.demo.aws import iam as aws_iam
    from ecotui.demo.aws import s3
    from ecotui.demo.speed import DemoTimings

    aws_ec2.install_placement_groups()
    aws_iam.install_policy_conflicts()
    s3.install_s3()
    aws_cloudfront.install_cloudfront(DemoTimings(distribution_deployment=args.distribution))
    balancers_that_linger(args.balancer)

    if args.keys:
        import copy

        from moto.ec2.models import ec2_backends

        ec2 = ec2_backends["123456789012"]["ap-northeast-2"]
        first = ec2.create_key_pair("eco2", "ed25519", {})
        for number in range(args.keys - 1):
            ec2.key_pairs[f"eco2-{number:05}"] = one = copy.copy(first)
            one.key_name, one.id = f"eco2-{number:05}", f"key-{number:017x}"

    class Quiet(MotoRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    throttle = Throttle(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, throttle, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
