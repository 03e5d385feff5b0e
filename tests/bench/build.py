"""Builds what the contestants call: the generated models, oneDNN's product, the program that measures the machine."""
from __future__ import annotations

import os
import pathlib
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass

from workloads import HERE, ROOT, Workload

FLAGS = ["-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"]


def run(command: list, **options) -> subprocess.CompletedProcess:
    """Runs a command; ends the program with its output if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done


@dataclass
class Built:
    """A generated model as a library, and what `hornfels build` of it took."""

    library: pathlib.Path
    seconds: float
    processor_seconds: float
    unfused: pathlib.Path | None = None  # the library without fusion, where somebody asks for it


def model(tool: str, workload: Workload, folder: pathlib.Path, builds: int) -> Built:
    """The program (timed; the best of `builds`, so that the first does not pay for a cold disk) and the library."""
    source = ROOT / workload.model
    name = source.stem
    folder.mkdir(parents=True, exist_ok=True)
    times = [_timed([tool, "build", source, "-o", folder / name, "--force"]) for _ in range(builds)]
    return Built(library(tool, workload, folder, "all"), *min(times))


def library(tool: str, workload: Workload, folder: pathlib.Path, fuse: str) -> pathlib.Path:
    """The emitted sources with native/harness.cpp; `fuse`: "all" or "none"."""
    source = ROOT / workload.model
    name = source.stem
    sources, build = folder / f"{name}-{fuse}-sources", folder / f"{name}-{fuse}-library"
    shutil.rmtree(sources, ignore_errors=True)
    run([tool, "emit", source, "-o", sources, "--cpu=native", f"--fuse={fuse}"])
    run(["cmake", "--fresh", "-S", HERE / "native", "-B", build, f"-DMODEL_SOURCES={sources}", f"-DMODEL_NAME={name}"])
    run(["cmake", "--build", build, "--target", "bench", "--parallel", str(os.cpu_count())])
    return build / "libbench.so"


def _timed(command: list) -> tuple[float, float]:
    def processor() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    begin, before = time.perf_counter(), processor()
    run(command)
    return time.perf_counter() - begin, processor() - before


def native(name: str, folder: pathlib.Path, extra: list) -> pathlib.Path:
    """native/NAME.cpp as a library; `extra` are further arguments of the compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"lib{name}.so"
    run([os.environ.get("CXX", "g++"), *FLAGS, HERE / "native" / f"{name.removesuffix('-debian')}.cpp", "-o", library, *extra])
    return library


def libraries(cache: pathlib.Path) -> dict[str, pathlib.Path]:
    """The libraries that do not depend on a model; one whose headers are not there is left out."""
    folder = cache / "native"
    found = {name: native(name, folder, []) for name in ("peak", "any_processor")}
    if pathlib.Path("/usr/include/dnnl.hpp").exists():
        found["onednn-debian"] = native("onednn-debian", folder, ["-ldnnl"])
    newer = cache / "onednn"
    if (newer / "include" / "dnnl.hpp").exists():
        found["onednn"] = native("onednn", folder, [f"-I{newer}/include", f"-L{newer}/lib", "-ldnnl",
                                                    f"-Wl,-rpath,{newer}/lib"])
    return found
