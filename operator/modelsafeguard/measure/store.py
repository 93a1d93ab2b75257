"""Writing to the claim so that a crash leaves all of a thing or nothing of it."""

import ctypes
import errno
import os
from contextlib import suppress
from typing import Final

READ_ONLY_FILE: Final = 0o444
READ_ONLY_FOLDER: Final = 0o555
OWN_FOLDER: Final = 0o755

_RENAME_NOREPLACE: Final = 1
_NOT_SUPPORTED: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}

_libc = ctypes.CDLL(None, use_errno=True)


def make_folder(name: str, parent: int) -> None:
    """Make a folder that only we write to, unless it is there."""
    with suppress(FileExistsError):
        os.mkdir(name, OWN_FOLDER, dir_fd=parent)


def write_file(name: str, content: bytes, parent: int) -> None:
    """Write a new read-only file and bring it to the disk. FileExistsError when there is anything of that name."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, READ_ONLY_FILE, dir_fd=parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            os.unlink(name, dir_fd=parent)
        raise named(error, name) from error


def rename_new(source: str, source_parent: int, target: str, target_parent: int) -> None:
    """Rename a folder in one step; FileExistsError when there is anything of the target's name, an empty folder included.

    rename(2) puts a folder in the place of an empty one, hence renameat2(2) with RENAME_NOREPLACE. File systems that do not have
    it (NFS among them) are asked in two steps: mkdir claims the name or fails, and rename replaces what was just made.
    """
    try:
        _renameat2(source, source_parent, target, target_parent)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
        os.mkdir(target, OWN_FOLDER, dir_fd=target_parent)
        os.rename(source, target, src_dir_fd=source_parent, dst_dir_fd=target_parent)


def _renameat2(source: str, source_parent: int, target: str, target_parent: int) -> None:
    function = getattr(_libc, "renameat2", None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if function(source_parent, os.fsencode(source), target_parent, os.fsencode(target), ctypes.c_uint(_RENAME_NOREPLACE)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def named(error: OSError, name: str) -> OSError:
    """The same error with the file's name, which a failed write or fsync does not know."""
    return error if error.filename is not None else OSError(error.errno, error.strerror, name)
