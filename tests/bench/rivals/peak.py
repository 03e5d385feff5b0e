"""Not a rival: the machine's own limits, measured in the same rounds by the library of native/peak.cpp."""
from __future__ import annotations

import ctypes
import os
import time

from contestant import Contestant

BUFFERS = {"L1": 24 << 10, "L2": 512 << 10, "L3": 8 << 20, "memory": 256 << 20}


class Peak(Contestant):

    @staticmethod
    def version() -> str:
        return ""

    def prepare(self, weights):
        self.library = ctypes.CDLL(os.environ["HORNFELS_BENCH_LIBRARY"])
        self.library.peak_operations.restype = ctypes.c_double
        self.library.peak_buffer.restype = ctypes.c_void_p
        self.weight_bytes = sum(a.nbytes for layer in weights for a in layer)

    def check(self, epochs):
        return {}

    def round(self, seconds):
        """GFLOP/s of multiply-adds; GB/s read from each level, and from a buffer as large as the weights."""
        # Several threads: long enough that the system has given each a core of its own.
        threads = self.workload.threads
        each = 1 << 18 if threads == 1 else 1 << 22
        operations = self.library.peak_operations(ctypes.c_int64(each), threads)
        best = min(self._timed(lambda: self.library.peak_multiply_add(ctypes.c_int64(each), threads))
                   for _ in range(20))
        result = {"gflops": operations / best / 1e9}
        for level, size in {**BUFFERS, "weights": max(4096, self.weight_bytes)}.items():
            result[level] = self._bandwidth(size)
        return result

    def _bandwidth(self, size: int) -> float:
        floats = ctypes.c_int64(size // 4)
        buffer = ctypes.c_void_p(self.library.peak_buffer(floats))
        rounds = max(1, (16 << 20) // size)
        best = min(self._timed(lambda: self.library.peak_read(buffer, floats, ctypes.c_int64(rounds)))
                   for _ in range(6))
        self.library.peak_release(buffer)
        return size * rounds / best / 1e9

    @staticmethod
    def _timed(work) -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin
