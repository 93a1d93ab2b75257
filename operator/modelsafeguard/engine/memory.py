"""Memory that is free is given back to the kernel."""

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # malloc.h
LARGE: Final = 128 << 10  # bytes: where glibc begins


def give_large_blocks_back() -> bool:
    """Have glibc map every large block by itself for as long as the process lives, so that it is gone when it is freed.

    Left alone, glibc raises the limit to the largest block that was ever freed. Then the pages of lists, some megabytes each, come from
    the heap, between small blocks that stay, and the process grows although nothing is kept (measured: docs/performance.md). False where
    the C library is another one; nothing is done there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, LARGE) == 1
