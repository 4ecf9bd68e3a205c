"""The AWS of the demo: moto with the extensions of this package, on a loopback port."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecotui.demo.speed import DemoTimings

ACCOUNT_ID = "123456789012"
"""The account id of the AWS documentation's examples; moto's default."""


@dataclass(frozen=True)
class AwsServer:
    """A running AWS."""

    endpoint: str
    _server: Any

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def start_aws(timings: DemoTimings, data_folder: Path) -> AwsServer:
    """Serve on a free loopback port, in threads of this process. Raises ImportError without moto's server.

    Changes moto for the whole process, and cannot be taken back: give it a process of its own.
    """
    from ecotui.demo.aws.images import machine_images

    path = data_folder / "images.json"
    path.write_text(json.dumps(machine_images()))
    # Read by moto when it is imported.
    os.environ["MOTO_AMIS_PATH"] = str(path)
    # Set, it would be everybody's account, whatever the credentials: there are buckets of somebody else.
    os.environ.pop("MOTO_ACCOUNT_ID", None)

    from moto import settings
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from ecotui.demo.aws import cloudfront as aws_cloudfront
    from ecotui.demo.aws import cloudtrail, name_conflicts, route53, s3, service_quotas
    from ecotui.demo.aws import ec2 as aws_ec2
    from ecotui.demo.aws import iam as aws_iam

    settings.ACM_VALIDATION_WAIT = int(timings.scale(timings.certificate_issuance))
    quotas = service_quotas.QuotaService(timings, ACCOUNT_ID)
    service_quotas.install_service_quotas(quotas)
    aws_ec2.install_vcpu_limit(quotas)
    aws_ec2.install_placement_groups()
    aws_iam.install_policy_conflicts()
    name_conflicts.install_name_conflicts(quotas)
    route53.install_route53()  # around what refuses: to look and to write are one step
    s3.install_s3()
    cloudtrail.install_cloudtrail()
    aws_cloudfront.install_cloudfront(timings)

    class Quiet(MotoRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Say nothing: the terminal is the TUI's."""

    server = make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=Quiet,
    )
    threading.Thread(target=server.serve_forever, name="aws", daemon=True).start()
    return AwsServer(endpoint=f"http://127.0.0.1:{server.server_port}", _server=server)
