"""The generated CUDA code, called in process over its C ABI: the library of native/harness.cpp."""
from __future__ import annotations

import ctypes
import os

import numpy as np

from contestant import Contestant
from rows import first_rows


class Rows(ctypes.Structure):
    _fields_ = [("x", ctypes.c_void_p), ("ids", ctypes.c_void_p), ("offsets", ctypes.c_void_p), ("y", ctypes.c_void_p),
                ("labels", ctypes.c_void_p), ("rows", ctypes.c_int64), ("inputs", ctypes.c_int64),
                ("outputs", ctypes.c_int64)]


class Generated(Contestant):

    @staticmethod
    def version() -> str:
        return "Hornfels"

    def prepare(self, weights):
        w, data = self.workload, first_rows(self.data, self.options.get("rows"))
        self.data = data
        self.library = ctypes.CDLL(self.options["library"])
        self.library.bench_open.restype = ctypes.c_void_p
        self.library.bench_error.restype = ctypes.c_char_p
        self.session = ctypes.c_void_p(self.library.bench_open(ctypes.c_int64(w.batch)))
        if not self.session:
            raise RuntimeError(self.library.bench_error(None).decode())
        for index, array in enumerate(a for layer in weights for a in layer):
            array = np.ascontiguousarray(array)
            self.require(self.library.bench_set(self.session, index, self.pointer(array), ctypes.c_int64(array.size)))
        y, labels = (data.y, None) if data.y.dtype == np.float32 else (None, data.y)
        rows = Rows(*map(self.pointer, (data.x, data.ids, data.offsets, y, labels)), data.rows, w.inputs, w.outputs)
        self.require(self.library.bench_bind(self.session, ctypes.byref(rows)))

    @staticmethod
    def pointer(array: np.ndarray | None) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data if array is not None else None)

    def require(self, status: int) -> None:
        if status:
            raise RuntimeError(self.library.bench_error(self.session).decode())

    def epoch(self, order, losses=None):
        order = order.astype(np.uint32)
        each = np.empty(len(self.sizes)) if losses is not None else None
        self.require(self.library.bench_train(self.session, self.pointer(order), ctypes.c_int64(len(order)),
                                              ctypes.c_int64(self.workload.batch), self.pointer(each)))
        if losses is not None:
            losses += each.tolist()
