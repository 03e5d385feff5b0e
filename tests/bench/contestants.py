"""Who takes part, with which interpreter, environment and form, in which workloads. One row a contestant."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from workloads import Workload

# Debian's OpenBLAS takes AVX2 kernels on processors that it does not know, and malloc gives large blocks back to the
# system at each step: at its best, PyTorch is told otherwise.
BEST = {"OPENBLAS_CORETYPE": "SkylakeX", "ATEN_CPU_CAPABILITY": "avx512", "MALLOC_MMAP_THRESHOLD_": "1000000000",
        "MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_TOP_PAD_": "1000000000"}
KEEP = {name: value for name, value in BEST.items() if name.startswith("MALLOC")}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "",
         "JAX_PLATFORMS": "cpu"}


def any_workload(workload: Workload) -> bool:
    return True


def training(workload: Workload) -> bool:
    return workload.task == "train"


def predicting(workload: Workload) -> bool:
    return workload.task == "predict"


def on_words(workload: Workload) -> bool:
    return workload.tokens


def product(workload: Workload) -> bool:
    return workload.key.startswith("W9")


@dataclass(frozen=True)
class Entry:
    """A contestant: `python` is an interpreter's name (debian, torch, frameworks), `native` a library it needs."""

    key: str
    title: str
    python: str
    module: str
    kind: str
    takes: Callable[[Workload], bool] = any_workload
    environment: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    native: str = ""


OURS = Entry("hornfels", "Hornfels", "debian", "hornfels", "Generated", native="model")
PEAK = Entry("peak", "machine", "debian", "peak", "Peak", native="peak")

RIVALS = (
    Entry("torch1-installed", "PyTorch 1.13, as installed", "debian", "pytorch", "Eager"),
    Entry("torch1", "PyTorch 1.13, best settings", "debian", "pytorch", "Eager", any_workload, BEST, {"flush": True}),
    Entry("torch1-foreach", "PyTorch 1.13, best, foreach", "debian", "pytorch", "Eager", training, BEST,
          {"flush": True, "foreach": True}),
    Entry("torch1-bag", "PyTorch 1.13, best, EmbeddingBag", "debian", "pytorch", "Bag", on_words, BEST,
          {"flush": True}),
    Entry("torch1-frozen", "PyTorch 1.13, best, frozen jit", "debian", "pytorch", "Frozen", predicting, BEST,
          {"flush": True}),
    Entry("torch2", "PyTorch 2, eager", "torch", "pytorch", "Eager", any_workload, KEEP, {"flush": True}),
    Entry("torch2-bag", "PyTorch 2, EmbeddingBag", "torch", "pytorch", "Bag", on_words, KEEP, {"flush": True}),
    Entry("torch2-frozen", "PyTorch 2, frozen jit", "torch", "pytorch", "Frozen", predicting, KEEP, {"flush": True}),
    Entry("torch2-compile", "PyTorch 2, compile", "torch", "pytorch", "Compiled", any_workload, KEEP,
          {"flush": True}),
    Entry("jax", "JAX, jit", "frameworks", "jax_jit", "Jit", any_workload, QUIET),
    Entry("jax-scan", "JAX, scan over the epoch", "frameworks", "jax_jit", "Scan", training, QUIET),
    Entry("keras", "Keras fit, TensorFlow", "frameworks", "keras_fit", "Fit", training, QUIET),
    Entry("onnxruntime", "ONNX Runtime", "frameworks", "onnx_runtime", "Session", predicting, QUIET),
    Entry("onednn-debian", "oneDNN, Debian's", "debian", "onednn", "Matmul", product, {}, {}, "onednn-debian"),
    Entry("onednn", "oneDNN, PyPI's", "debian", "onednn", "Matmul", product, {}, {}, "onednn"),
)


def thread_settings(threads: int) -> dict[str, str]:
    """The number of threads, as each library reads it."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    settings = {name: str(threads) for name in names}
    settings["TF_NUM_INTEROP_THREADS"] = "1"
    if threads == 1:
        settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return settings
