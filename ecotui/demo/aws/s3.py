"""What moto's S3 lacks (moto 5.2): a delete marker that is the last version of its key cannot be deleted, and a
condition and the write behind it are two steps, between which another request of the threaded server may come in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

_write_lock = threading.RLock()


def install_s3() -> None:
    from moto.s3 import models
    from moto.s3.responses import S3Response

    setattr(models.FakeDeleteMarker, "dispose", lambda self: None)  # noqa: B010 - the class lacks it
    for name in ("put_object", "delete_object"):
        method = getattr(S3Response, name)
        if not hasattr(method, "__wrapped__"):
            setattr(S3Response, name, _serialized(method))


def _serialized(method: Callable[..., Any]) -> Callable[..., Any]:
    """As S3 does it: of two conditional writes of one key exactly one wins, and the other gets its 412."""
    import functools

    @functools.wraps(method)
    def one(*args: Any, **kwargs: Any) -> Any:
        with _write_lock:
            return method(*args, **kwargs)

    return one
