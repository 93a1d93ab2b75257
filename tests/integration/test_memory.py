"""The operator's heap, in a process of its own: what malloc does is the whole process's business."""

import platform
import subprocess
import sys

import pytest

from tests.support.binaries import ROOT

PROGRAM = """
import ctypes, sys
from modelsafeguard.engine.main import main

class Mallinfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo
if sys.argv[1] == "the operator":
    assert main([]) == 1  # it was not told its settings; by then it has seen to this
page = bytes(20_000_000)
del page
before = libc.mallinfo2().hblkhd
page = bytes(1_000_000)
print(libc.mallinfo2().hblkhd - before >= 1_000_000)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="It is glibc whose limit moves.")


@pytest.mark.parametrize(("process", "mapped"), [("the operator", "True"), ("another one", "False")])
def test_a_page_of_a_list_is_mapped_by_itself_even_after_a_larger_one_was_freed(process, mapped):
    environment = {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([sys.executable, "-c", PROGRAM, process], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == mapped
