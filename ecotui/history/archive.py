"""A session as one file: packed for S3 with a manifest, and unpacked without trusting its content.

Only known, plain files of a session are packed, and only when none contains anything that looks like a secret: they
were masked when they were written, and are checked once more. The salt never leaves the machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import time
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from ecotui.redact.redactor import RedactingStream, Redactor
from ecotui.session import SessionError, hash_chain
from ecotui.session.log import Session, read_or_create_salt
from ecotui.session.private_files import (
    describe_os_error,
    make_private_folder,
    open_private_file,
    raise_session_error,
    write_fully,
)

MANIFEST_NAME = "manifest.json"
ARCHIVE_SUFFIX = ".tar.gz"
BLOCK_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 16 << 30
"""Bytes of an unpacked session, at most: several outputs of the largest size that a supervisor writes (2 GB)."""
MAX_FILES = 20_000
"""Files in one session, at most; a command has up to seven."""

_ARCHIVED_NAME = re.compile(
    r"events\.jsonl|summary\.json|approved-[\w-]{1,60}\.json"
    r"|guide/\w[\w.-]{0,120}"
    r"|commands/[\w-]{1,80}/(?:command\.json|output\.(?:log|times)|exit\.json|supervisor\.log|timeline\.(?:csv|html))"
)
"""The files that are packed, and the only names that are unpacked."""
_LOCAL_ONLY_NAME = re.compile(
    r"salt|commands/[\w-]{1,80}/(?:alive|process\.json|\.exit\.reserve)|(?:.*/)?\.[\w.]+\.\d+"
)
"""Files that only matter on this machine: they can be removed with the session."""


class ArchivedFile(msgspec.Struct, frozen=True):
    """One file."""

    name: str
    size: int
    sha256: str


class ArchiveManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the archive; its first member."""

    schema: str = "ecotui.archive/1"
    id: str
    events: int
    head: str
    """The hash of the last event: the whole chain in one."""
    files: tuple[ArchivedFile, ...]


@dataclass(frozen=True)
class PackedArchive:
    """An archive, ready to be sent."""

    manifest: ArchiveManifest
    size: int
    sha256: str


def pack_session(
    session: Session, target: BinaryIO, env: Mapping[str, str], secrets: Collection[str] = ()
) -> PackedArchive:
    """Write a session's archive. Raises SessionError: the chain is broken, or something in it is not masked."""
    verification = session.verify()
    if not verification.is_intact:
        raise SessionError(f"{session.id} is broken at line {verification.broken_line}: {verification.reason}")
    redactor = Redactor(read_or_create_salt(session.folder), env=env, secrets=secrets)
    files = tuple(_inspect_file(session.folder, name, redactor) for name in _files_to_archive(session.folder))
    manifest = ArchiveManifest(id=session.id, events=verification.event_count, head=verification.head_hash, files=files)
    start = target.tell()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=target, mtime=0) as gzip_file,
        tarfile.open(fileobj=gzip_file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        encoded = msgspec.json.encode(manifest)
        tar.addfile(_tar_member(MANIFEST_NAME, len(encoded)), io.BytesIO(encoded))
        for file in files:
            with _open_for_reading(session.folder / file.name) as stream:
                reader = _HashingReader(stream, file.size)
                tar.addfile(_tar_member(file.name, file.size), reader)
            if reader.hexdigest != file.sha256:
                raise SessionError(f"{session.id}: {file.name} changed while it was packed")
    size = target.tell() - start
    target.seek(start)
    return PackedArchive(manifest, size, sha256_hex(iter(lambda: target.read(BLOCK_BYTES), b"")))


def find_unarchived_files(folder: Path) -> list[str]:
    """Files that would be lost with the session: neither in an archive nor of this machine only."""
    names = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    )
    return sorted(name for name in names if not _ARCHIVED_NAME.fullmatch(name) and not _LOCAL_ONLY_NAME.fullmatch(name))


def verify_archive(source: Iterable[bytes]) -> ArchiveManifest:
    """Read an archive through, against its own manifest. Raises SessionError."""
    return _read_archive(source, None)


def unpack_session(source: Iterable[bytes], folder: Path, id: str) -> ArchiveManifest:
    """Unpack into a new folder, and verify the chain. Raises SessionError; then the folder is not to be used."""
    make_private_folder(folder, exist_ok=False)
    manifest = _read_archive(source, folder)
    if manifest.id != id:
        raise SessionError(f"the archive is of session {manifest.id[:40]!r}, not of {id}")
    verification = hash_chain.verify_chain(folder / hash_chain.LOG_NAME)
    if not verification.is_intact or (verification.event_count, verification.head_hash) != (
        manifest.events,
        manifest.head,
    ):
        raise SessionError(f"the log in the archive of {id} is not the one that was packed")
    return manifest


def sha256_hex(blocks: Iterable[bytes]) -> str:
    """SHA-256 in hex."""
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


# -- packing -------------------------------------------------------------------------------------------------------


def _files_to_archive(folder: Path) -> list[str]:
    """The files that are packed; links are left out, wherever they point."""
    names = []
    for parent, folders, files in os.walk(folder):  # does not go into links
        folders.sort()
        for file in sorted(files):
            path = Path(parent) / file
            name = path.relative_to(folder).as_posix()
            if _ARCHIVED_NAME.fullmatch(name) and not path.is_symlink():
                names.append(name)
    return names


def _inspect_file(folder: Path, name: str, redactor: Redactor) -> ArchivedFile:
    """Measure a file. Raises SessionError when it contains a secret that is not masked."""
    size, digest = 0, hashlib.sha256()
    scan = _SCANS_BY_SUFFIX.get(Path(name).suffix, _scan_text)(redactor)
    next(scan)
    with _open_for_reading(folder / name) as stream:
        try:
            while block := stream.read(BLOCK_BYTES):
                size += len(block)
                digest.update(block)
                scan.send(block)
            scan.send(b"")
        except StopIteration as end:
            if end.value is not None:
                raise SessionError(
                    f"{name}, line {end.value}: something that looks like a secret stands there unmasked"
                ) from None
    return ArchivedFile(name, size, digest.hexdigest())


SecretScan = Generator[None, bytes, int | None]
"""Is sent blocks; returns the line that is not masked, or None after an empty block."""


def _scan_json_lines(redactor: Redactor) -> SecretScan:
    """For lines of JSON: each string is checked as it was when it was written."""
    number, rest = 0, b""
    while block := (yield):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for raw in lines:
            number += 1
            if not _is_masked(raw, redactor):
                return number
    return None if _is_masked(rest, redactor) else number + 1


def _is_masked(raw: bytes, redactor: Redactor) -> bool:
    try:
        value = msgspec.json.decode(raw) if raw.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError):  # a line that a crash tore: it is text
        text = raw.decode("utf-8", "replace")
        return redactor.redact(text) == text
    return bool(redactor.redact_values(value) == value)


def _scan_text(redactor: Redactor) -> SecretScan:
    """For output: the masking stream must change nothing."""
    stream, line = RedactingStream(redactor), 1
    original, redacted = b"", b""
    while block := (yield):
        original += block
        redacted += stream.feed(block).encode("utf-8", "replace")
        if (difference := _first_difference(original, redacted)) is not None:
            return line + original.count(b"\n", 0, difference)
        line += redacted.count(b"\n")
        original, redacted = original[len(redacted) :], b""
    redacted += stream.close().encode("utf-8", "replace")
    difference = _first_difference(original, redacted.removesuffix(b"\n") if not original.endswith(b"\n") else redacted)
    return None if difference is None else line + original.count(b"\n", 0, difference)


def _scan_binary(redactor: Redactor) -> SecretScan:
    """For binary records (`output.times`), which the stream for text would change."""
    text = ""
    while block := (yield):
        text = text[-redactor.max_secret_chars :] + block.decode("latin-1")
        if redactor.find_secrets(text):
            return 1
    return None


_SCANS_BY_SUFFIX = {".json": _scan_json_lines, ".jsonl": _scan_json_lines, ".times": _scan_binary}


def _first_difference(original: bytes, redacted: bytes) -> int | None:
    """The index of the first difference; None when the original starts with the redacted text."""
    if original.startswith(redacted):
        return None
    return next(
        index for index, (before, after) in enumerate(zip(original + b"\0", redacted, strict=False)) if before != after
    )


def _open_for_reading(path: Path) -> BinaryIO:
    with raise_session_error("cannot read", path):
        return os.fdopen(open_private_file(path, os.O_RDONLY), "rb")


def _tar_member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


class _HashingReader(io.RawIOBase):
    """Reads exactly `size` bytes, and hashes them."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._remaining = size
        self._digest = hashlib.sha256()

    @property
    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(self._remaining if size < 0 else min(size, self._remaining))
        self._remaining -= len(block)
        self._digest.update(block)
        return block


# -- unpacking -----------------------------------------------------------------------------------------------------


class _BlockReader(io.RawIOBase):
    """Blocks as a file that is read forward."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._buffer = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._buffer:
            try:
                self._buffer = next(self._blocks)
            except StopIteration:
                return 0
        part, self._buffer = self._buffer[: len(buffer)], self._buffer[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _read_archive(source: Iterable[bytes], folder: Path | None) -> ArchiveManifest:
    """Read and verify each member, and write it where there is a folder. Only names that the manifest may have are used."""
    try:
        with (
            gzip.GzipFile(fileobj=io.BufferedReader(_BlockReader(source), BLOCK_BYTES), mode="rb") as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|") as tar,
        ):
            members = iter(tar)
            manifest = _read_manifest(tar, next(members, None))
            missing = {file.name: file for file in manifest.files}
            for member in members:
                file = missing.pop(member.name, None)
                if file is None or not member.isreg() or member.size != file.size:
                    raise SessionError(f"the archive holds what its manifest does not: {member.name[:80]!r}")
                content = tar.extractfile(member)
                assert content is not None
                digest = _copy_and_hash(content, None if folder is None else folder / file.name)
                if digest != file.sha256:
                    raise SessionError(f"{file.name} in the archive is not what was packed")
            while unzipped.read(BLOCK_BYTES):  # to its end: the checksum of the whole stands there
                pass
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, OSError, ValueError) as error:
        reason = (
            describe_os_error(error)
            if isinstance(error, OSError) and error.errno
            else str(error) or type(error).__name__
        )
        raise SessionError(f"the archive cannot be read: {reason}") from error
    if missing:
        raise SessionError(f"{len(missing)} files are missing from the archive, {next(iter(missing))} among them")
    return manifest


def _read_manifest(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> ArchiveManifest:
    if member is None or member.name != MANIFEST_NAME or not member.isreg() or member.size > 16 * BLOCK_BYTES:
        raise SessionError("the archive does not begin with its manifest: it is none of ecotui's")
    content = tar.extractfile(member)
    assert content is not None
    try:
        manifest = msgspec.json.decode(content.read(), type=ArchiveManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SessionError("the manifest of the archive cannot be read") from error
    if manifest.schema != "ecotui.archive/1":
        raise SessionError(f"the archive is of a newer version ({manifest.schema[:40]!r})")
    names = [file.name for file in manifest.files]
    if len(names) > MAX_FILES or len(set(names)) != len(names) or not all(map(_ARCHIVED_NAME.fullmatch, names)):
        raise SessionError("the manifest of the archive names files that a session does not have")
    if any(file.size < 0 for file in manifest.files) or sum(file.size for file in manifest.files) > MAX_UNPACKED_BYTES:
        raise SessionError(f"the archive would unpack to more than {MAX_UNPACKED_BYTES >> 30} GB")
    return manifest


def _copy_and_hash(content: IO[bytes], target: Path | None) -> str:
    """Read to the end, and write where there is a target. Returns the hash."""
    blocks = iter(lambda: content.read(BLOCK_BYTES), b"")
    if target is None:
        return sha256_hex(blocks)
    if target.parent.parent.name == "commands":
        make_private_folder(target.parent.parent)
    make_private_folder(target.parent)
    with raise_session_error("cannot write to", target):
        fd = open_private_file(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    digest = hashlib.sha256()
    try:
        for block in blocks:
            digest.update(block)
            write_fully(fd, block)
    finally:
        os.close(fd)
    return digest.hexdigest()
