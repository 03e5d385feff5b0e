"""oneDNN's matmul with bias and relu, weights in its own blocked layout: the library of native/onednn.cpp."""
from __future__ import annotations

import ctypes
import os

import numpy as np

from contestant import Contestant


def library() -> ctypes.CDLL:
    opened = ctypes.CDLL(os.environ["HORNFELS_BENCH_LIBRARY"])
    opened.onednn_open.restype = opened.onednn_output.restype = ctypes.c_void_p
    return opened


class Matmul(Contestant):

    @staticmethod
    def version() -> str:
        v = library().onednn_version()
        return f"oneDNN {v // 10000}.{v // 100 % 100}.{v % 100}"

    def prepare(self, weights):
        w, self.library = self.workload, library()
        arrays = [np.ascontiguousarray(a) for a in (self.data.x, *weights[0])]
        self.product = ctypes.c_void_p(self.library.onednn_open(
            *(ctypes.c_int64(n) for n in (w.batch, w.inputs, w.outputs)), *(ctypes.c_void_p(a.ctypes.data) for a in arrays)))

    def predict(self):
        self.repeat(1)
        size = self.workload.batch * self.workload.outputs
        at = ctypes.cast(self.library.onednn_output(self.product), ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(at, (size,)).copy()

    def repeat(self, calls):
        self.library.onednn_repeat(self.product, ctypes.c_int64(calls))
