"""A limit on time strikes where what it raises is heard."""

import gc
import subprocess
import sys

import pytest

#: In the main thread, which tests need not be.
SCRIPT = """
import gc, sys, time
from asymptotics.derivation import time_limit
from asymptotics.derivation.time_limit import OutOfTime, limited
time_limit._REPEAT_AFTER = 0.007

def spin():
    end = time.process_time() + 0.005
    while time.process_time() < end:
        pass

def busy(*_):
    spin()

class Dropped:
    def __del__(self):
        busy()

def collect():
    gc.callbacks.append(busy)
    try:
        while True:
            gc.collect()
            spin()
    finally:
        gc.callbacks.remove(busy)

def drop():
    while True:
        Dropped()
        spin()

heard = []
sys.unraisablehook = heard.append
for work in (collect, drop):
    try:
        with limited(0.002):
            work()
    except OutOfTime:
        print("out of time", len(heard))
"""


@pytest.mark.skipif(not hasattr(gc, "callbacks"), reason="no callbacks of the collector")
def test_it_waits_for_callbacks_that_swallow_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=900, check=True
    )
    assert done.stdout == "out of time 0\n" * 2
