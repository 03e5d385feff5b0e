"""The generated code, called in process over its C ABI: the library of native/harness.cpp."""
from __future__ import annotations

import ctypes
import os

import numpy as np

from contestant import Contestant


class Rows(ctypes.Structure):
    _fields_ = [("x", ctypes.c_void_p), ("ids", ctypes.c_void_p), ("offsets", ctypes.c_void_p),
                ("y", ctypes.c_void_p), ("labels", ctypes.c_void_p), ("inputs", ctypes.c_int64),
                ("outputs", ctypes.c_int64)]


class Generated(Contestant):

    @staticmethod
    def version() -> str:
        return os.environ["HORNFELS_BENCH_VERSION"]

    def prepare(self, weights):
        w = self.workload
        self.library = ctypes.CDLL(os.environ["HORNFELS_BENCH_LIBRARY"])
        self.library.bench_open.restype = ctypes.c_void_p
        self.library.bench_error.restype = ctypes.c_char_p
        self.session = ctypes.c_void_p(self.library.bench_open(ctypes.c_int64(w.batch), w.threads))
        if not self.session:
            raise RuntimeError("no handle")
        for index, array in enumerate(a for layer in weights for a in layer):
            array = np.ascontiguousarray(array)
            self.require(self.library.bench_set(self.session, index, self.pointer(array), ctypes.c_int64(array.size)))
        self.kept = self.targets()
        data = self.data
        self.rows = Rows(self.pointer(data.x), self.pointer(data.ids), self.pointer(data.offsets),
                         *(self.pointer(a) for a in self.kept), w.inputs, w.outputs)
        self.out = np.empty((w.batch, w.outputs), np.float32)

    def targets(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """As the model takes them: numbers, or class numbers; a categorical loss takes one-hot rows."""
        y = self.data.y
        if y is None or y.dtype == np.float32:
            return y, None
        if self.workload.key == "W2":  # the book's model has the categorical loss
            return np.eye(self.workload.outputs, dtype=np.float32)[y], None
        return None, y

    @staticmethod
    def pointer(array: np.ndarray | None) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data if array is not None else None)

    def require(self, status: int) -> None:
        if status:
            raise RuntimeError(self.library.bench_error(self.session).decode())

    def epoch(self, order, losses=None):
        each = np.empty(len(self.sizes)) if losses is not None else None
        self.require(self.library.bench_train(self.session, ctypes.byref(self.rows), self.pointer(order),
                                              ctypes.c_int64(len(order)), ctypes.c_int64(self.workload.batch),
                                              self.pointer(each)))
        if losses is not None:
            losses += each.tolist()

    def predict(self):
        self.repeat(1)
        return self.out

    def repeat(self, calls):
        self.require(self.library.bench_predict(self.session, ctypes.byref(self.rows),
                                                ctypes.c_int64(self.workload.batch), ctypes.c_int64(calls),
                                                self.pointer(self.out)))
