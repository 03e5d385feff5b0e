"""Who takes part, with which interpreter, environment and form, in which workloads. One row a contestant."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from workloads import Workload

# Debian's OpenBLAS takes AVX2 kernels on processors that it does not know, and malloc gives large blocks back to the
# system at each step: at its best, PyTorch is told otherwise. OpenBLAS has threads of its own, which wait while those of
# OpenMP spin: with two threads, short spinning is worth a factor of 2 to 6.
BEST = {"OPENBLAS_CORETYPE": "SkylakeX", "ATEN_CPU_CAPABILITY": "avx512", "MALLOC_MMAP_THRESHOLD_": "1000000000",
        "MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_TOP_PAD_": "1000000000", "GOMP_SPINCOUNT": "1000"}
# PyPI's PyTorch brings MKL, which takes slow kernels on processors of other makers (native/any_processor.cpp tells it
# not to), and a compiler of its own, which links Debian's libtorch by mistake if that is installed: its C++ compiler
# is a script that names the right folder first.
BEST2 = {name: value for name, value in BEST.items() if name.startswith("MALLOC")} | {
    "LD_PRELOAD": "{cache}/native/libany_processor.so", "CXX": "{cache}/torch/bin/g++",
    "TORCHINDUCTOR_CACHE_DIR": "{cache}/inductor", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "",
         "JAX_PLATFORMS": "cpu"}
FLUSH = {"flush": True}  # denormals count as zero
LAST = FLUSH | {"last": True}  # channels last


def any_workload(workload: Workload) -> bool:
    return True


def training(workload: Workload) -> bool:
    return workload.task == "train"


def predicting(workload: Workload) -> bool:
    return workload.task == "predict"


def on_words(workload: Workload) -> bool:
    return workload.tokens


def training_on_words(workload: Workload) -> bool:
    return training(workload) and on_words(workload)


def predicting_on_words(workload: Workload) -> bool:
    return predicting(workload) and on_words(workload)


def product(workload: Workload) -> bool:
    return workload.family == "W9"


def on_images(workload: Workload) -> bool:
    return workload.images


def predicting_images(workload: Workload) -> bool:
    return predicting(workload) and workload.images


def training_sequences(workload: Workload) -> bool:
    return training(workload) and workload.sequences


def compilable(workload: Workload) -> bool:
    """For torch.compile: a hundred steps of an LSTM would be unrolled, which takes minutes and is slower than nn.LSTM."""
    return not workload.sequences


def scannable(workload: Workload) -> bool:
    """For JAX: convolutions inside a loop take XLA twelve times as long as outside."""
    return training(workload) and not workload.images


def training_nets(workload: Workload) -> bool:
    return training(workload) and (workload.images or workload.sequences)


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
UNFUSED = Entry("hornfels-unfused", "Hornfels, unfused", "debian", "hornfels", "Generated", training_nets,
                native="unfused")
PEAK = Entry("peak", "machine", "debian", "peak", "Peak", native="peak")

RIVALS = (
    Entry("torch1-installed", "PyTorch 1.13, as installed", "debian", "pytorch", "Eager"),
    Entry("torch1", "PyTorch 1.13, best settings", "debian", "pytorch", "Eager", any_workload, BEST, FLUSH),
    Entry("torch1-foreach", "PyTorch 1.13, best, foreach", "debian", "pytorch", "Eager", training, BEST,
          {"flush": True, "foreach": True}),
    Entry("torch1-last", "PyTorch 1.13, best, channels last", "debian", "pytorch", "Eager", on_images, BEST, LAST),
    Entry("torch1-bag", "PyTorch 1.13, best, EmbeddingBag", "debian", "pytorch", "Bag", on_words, BEST, FLUSH),
    Entry("torch1-scatter", "PyTorch 1.13, best, EmbeddingBag, own gradient", "debian", "pytorch", "Bag",
          training_on_words, BEST, {"flush": True, "scatter": True}),
    Entry("torch1-frozen", "PyTorch 1.13, best, frozen jit", "debian", "pytorch", "Frozen", predicting, BEST, FLUSH),
    Entry("torch1-frozen-last", "PyTorch 1.13, best, frozen jit, channels last", "debian", "pytorch", "Frozen",
          predicting_images, BEST, LAST),
    Entry("torch1-frozen-bag", "PyTorch 1.13, best, frozen jit, EmbeddingBag", "debian", "pytorch", "FrozenBag",
          predicting_on_words, BEST, FLUSH),
    Entry("torch2-installed", "PyTorch 2, as installed", "torch", "pytorch", "Eager"),
    Entry("torch2", "PyTorch 2, best settings", "torch", "pytorch", "Eager", any_workload, BEST2, FLUSH),
    Entry("torch2-last", "PyTorch 2, best, channels last", "torch", "pytorch", "Eager", on_images, BEST2, LAST),
    Entry("torch2-bag", "PyTorch 2, best, EmbeddingBag", "torch", "pytorch", "Bag", on_words, BEST2, FLUSH),
    Entry("torch2-frozen", "PyTorch 2, best, frozen jit", "torch", "pytorch", "Frozen", predicting, BEST2, FLUSH),
    Entry("torch2-frozen-last", "PyTorch 2, best, frozen jit, channels last", "torch", "pytorch", "Frozen",
          predicting_images, BEST2, LAST),
    Entry("torch2-frozen-bag", "PyTorch 2, best, frozen jit, EmbeddingBag", "torch", "pytorch", "FrozenBag",
          predicting_on_words, BEST2, FLUSH),
    Entry("torch2-compile", "PyTorch 2, best, compile", "torch", "pytorch", "Compiled", compilable, BEST2, FLUSH),
    Entry("torch2-compile-slices", "PyTorch 2, best, compile, pools of slices, gather outside", "torch", "pytorch",
          "Compiled", on_images, BEST2, FLUSH | {"slices": True, "outside": True}),
    Entry("torch2-compile-update", "PyTorch 2, best, compiled update", "torch", "pytorch", "CompiledUpdate",
          training_sequences, BEST2, FLUSH),
    Entry("torch2-compile-words", "PyTorch 2, best, compile, on word ids", "torch", "pytorch", "CompiledWords",
          training_on_words, BEST2, FLUSH),
    Entry("jax", "JAX, jit", "frameworks", "jax_jit", "Jit", any_workload, QUIET),
    Entry("jax-scan", "JAX, jit, scan over the epoch", "frameworks", "jax_jit", "Scan", scannable, QUIET),
    Entry("jax-words", "JAX, jit, on word ids", "frameworks", "jax_jit", "Words", training_on_words, QUIET),
    Entry("keras", "Keras fit, TensorFlow", "frameworks", "keras_fit", "Fit", training, QUIET),
    Entry("keras-jax", "Keras fit, JAX", "frameworks", "keras_fit", "Fit", training_nets,
          QUIET | {"KERAS_BACKEND": "jax"}),
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
