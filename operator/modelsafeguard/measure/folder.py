"""Reading a folder that somebody else filled: by directory file descriptors, never through a symbolic link.

A model is plain files in plain folders. What else a folder can hold (links, devices, pipes, set-user-id files, names that hide)
has no use in a model and could reach out of the volume, so it is refused.
"""

import errno
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from modelsafeguard.core.text import printable
from modelsafeguard.measure.errors import MeasureError, Reason

MAX_ENTRIES: Final = 10_000
MAX_DEPTH: Final = 32
MAX_NAME_BYTES: Final = 255
_CHUNK: Final = 1 << 20
_HIDING: Final = re.compile(
    r"[\x00-\x1f\x7f\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# What open(2) says of a symbolic link (with O_NOFOLLOW), and of a socket or a device without its driver.
_NO_FILE: Final = {errno.ELOOP, errno.ENXIO, errno.ENODEV}
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class FileFact:
    """One file: hex sha256 of its bytes, and how many there are."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Listing:
    """Relative paths of a folder's files and folders, each parent before what is in it."""

    files: tuple[str, ...]
    folders: tuple[str, ...]


@contextmanager
def open_folder(name: str, parent: int | None = None) -> Iterator[int]:
    """A descriptor of a folder. A symbolic link is an OSError (ELOOP or ENOTDIR)."""
    descriptor = os.open(name, _READ | os.O_DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_path(path: str, root: int) -> Iterator[int]:
    """A descriptor of the folder at a relative path below ``root``, no step of it through a symbolic link."""
    descriptor = os.dup(root)
    try:
        for name in path.split("/"):
            below = os.open(name, _READ | os.O_DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_file(path: str, root: int) -> Iterator[BinaryIO]:
    """A regular file at a relative path below ``root``, for reading. Anything else there is MeasureError(ModelFolderInvalid)."""
    folder, _, name = path.rpartition("/")
    not_regular = MeasureError(Reason.MODEL_FOLDER_INVALID, f"{printable(path)} is not a regular file")
    with open_path(folder or ".", root) as parent:
        try:
            descriptor = os.open(name, _READ, dir_fd=parent)
        except OSError as error:
            if error.errno in _NO_FILE:
                raise not_regular from error
            raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_regular
    with os.fdopen(descriptor, "rb") as file:
        yield file


def entries(folder: int) -> list[str]:
    """The names in a folder, in no order."""
    return os.listdir(folder)


def exists(name: str, parent: int) -> bool:
    """Whether there is anything of this name, a dangling link included."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def listing(root: int, *, ours: int = 0) -> Listing:
    """Everything below ``root``, if it may be published at all; ``ours`` files in it were added by us and do not count.

    Raises:
        MeasureError: ModelFolderInvalid, naming the first entry that is not a plain file or folder, or the limit that was passed.
    """
    files: list[str] = []
    folders: list[str] = []
    device, room = os.fstat(root).st_dev, os.fstatvfs(root)
    bytes_left = room.f_blocks * room.f_frsize or sys.maxsize  # 0 blocks: a file system that does not know its size
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with open_path(folder or ".", root) as descriptor:
            for name in sorted(entries(descriptor)):
                path = f"{folder}/{name}" if folder else name
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if fault := _objection(name, status, device):
                    raise MeasureError(Reason.MODEL_FOLDER_INVALID, f"The trainer's folder cannot be published: {printable(path)} {fault}")
                is_folder = stat.S_ISDIR(status.st_mode)
                (folders if is_folder else files).append(path)
                bytes_left -= 0 if is_folder else status.st_size
                if is_folder:
                    waiting.append(path)
                _check_limits(path, len(files) + len(folders) - ours, bytes_left)
    return Listing(tuple(files), tuple(folders))


def _objection(name: str, status: os.stat_result, device: int) -> str:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return "is a symbolic link: write the file itself"
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return "is a device, a pipe or a socket: a model is made of plain files"
    if status.st_dev != device:
        return "is on another file system"
    if stat.S_ISREG(mode) and status.st_nlink > 1:
        return "has a second name elsewhere (a hard link): write a copy of the file"
    if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
        return "has the set-user-id or set-group-id bit"
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if _HIDING.search(name):
        return "has control characters or invisible characters in its name"
    return "has a name that is too long" if len(encoded) > MAX_NAME_BYTES else ""


def _check_limits(path: str, entries: int, bytes_left: int) -> None:
    fault = ""
    if entries > MAX_ENTRIES:
        fault = f"it holds more than {MAX_ENTRIES} files and folders; pack them into fewer"
    elif path.count("/") >= MAX_DEPTH:
        fault = f"its folders are more than {MAX_DEPTH} deep at {printable(path)}"
    elif bytes_left < 0:
        fault = f"its files claim to be larger than the whole volume (a sparse file?), last {printable(path)}"
    if fault:
        raise MeasureError(Reason.MODEL_FOLDER_INVALID, f"The trainer's folder cannot be published: {fault}")


def hash_file(path: str, root: int, *, sync: bool = False) -> FileFact:
    """Digest and size of a file; with ``sync`` its bytes are on the disk afterwards."""
    digest, size = hashlib.sha256(), 0
    with open_file(path, root) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        if sync:
            os.fsync(file.fileno())
    return FileFact(digest.hexdigest(), size)


def read_bounded(path: str, root: int, limit: int) -> bytes | None:
    """The whole file, or None when it has more than ``limit`` bytes: never more than that is read."""
    with open_file(path, root) as file:
        content = file.read(limit + 1)
    return content if len(content) <= limit else None
