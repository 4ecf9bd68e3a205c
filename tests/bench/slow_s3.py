"""An S3 as a process that holds one bucket of very many versions: just the calls that empty and delete it.

moto copies all versions for each page, which takes minutes for 100,000. Here a page and a deletion take what they take at
AWS: some tenths of a second, and at most 3,500 deletions a second (S3 user guide, "Optimizing performance").
Prints its address, serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BUCKET = "eco2-images"
RATE = 3500.0
"""Deletions a second and prefix."""
PAGE, DELETE = 0.1, 0.2
"""Seconds that one ListObjectVersions and one DeleteObjects take at least."""
_GONE = re.compile(rb"<Key>k(\d+)</Key><VersionId>v(\d+)</VersionId>|<VersionId>v(\d+)</VersionId><Key>k(\d+)</Key>")
_TAGS = "<Tagging><TagSet><Tag><Key>Project</Key><Value>eco2</Value></Tag></TagSet></Tagging>"


class Bucket:
    """Versions by number; `k7` has the versions `v7`, so that nothing has to be looked up."""

    def __init__(self, versions: int) -> None:
        self.left = set(range(versions))
        self.there = True
        self._lock = threading.Lock()
        self._free = time.monotonic()

    def page(self, after: int) -> tuple[list[int], bool]:
        time.sleep(PAGE)
        with self._lock:
            found = sorted(number for number in self.left if number > after)
        return found[:1000], len(found) > 1000

    def remove(self, numbers: list[int]) -> None:
        begun = time.monotonic()
        with self._lock:
            self._free = max(self._free, begun) + len(numbers) / RATE
            until = max(self._free, begun + DELETE)
            self.left.difference_update(numbers)
        time.sleep(max(until - time.monotonic(), 0))


def handler(bucket: Bucket, versions: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, body: str, status: int = 200) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            if self.path.split("?")[0] == "/":
                one = f"<Bucket><Name>{BUCKET}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
                self.answer(f"<ListAllMyBucketsResult><Buckets>{one * bucket.there}</Buckets></ListAllMyBucketsResult>")
            elif "versions" in asked:
                after = int(asked.get("key-marker", ["k-1"])[0][1:])
                numbers, more = bucket.page(after)
                listed = "".join(
                    f"<Version><Key>k{n}</Key><VersionId>v{n}</VersionId><IsLatest>true</IsLatest></Version>"
                    for n in numbers
                )
                marks = (
                    f"<NextKeyMarker>k{numbers[-1]}</NextKeyMarker><NextVersionIdMarker>v{numbers[-1]}</NextVersionIdMarker>"
                    if more
                    else ""
                )
                self.answer(
                    f"<ListVersionsResult><IsTruncated>{str(more).lower()}</IsTruncated>{marks}{listed}</ListVersionsResult>"
                )
            elif "uploads" in asked:
                self.answer("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")
            elif "tagging" in asked:
                self.answer(_TAGS)
            elif "location" in asked:
                self.answer("<LocationConstraint>ap-northeast-2</LocationConstraint>")
            elif "versioning" in asked:
                self.answer("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
            else:
                code = "ObjectLockConfigurationNotFoundError"
                self.answer(f"<Error><Code>{code}</Code><Message>none</Message></Error>", 404)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/fill"):
                bucket.left, bucket.there = set(range(versions)), True
                return self.answer("")
            bucket.remove([int(one or two) for one, _, _, two in _GONE.findall(sent)])
            return self.answer("<DeleteResult></DeleteResult>")

        def do_DELETE(self) -> None:
            if bucket.left:
                return self.answer("<Error><Code>BucketNotEmpty</Code><Message>x</Message></Error>", 409)
            bucket.there = False
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

        def log_message(self, *words: Any) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--versions", type=int, default=100_000)
    versions = parser.parse_args().versions
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Bucket(versions), versions))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
