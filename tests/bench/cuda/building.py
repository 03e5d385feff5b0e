"""Compiles what is in a prepared folder: nvcc and a C++ compiler, nothing else. Objects that several things need are
compiled once; everything at once, as many at a time as there are processors."""
from __future__ import annotations

import os
import pathlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from common import BUILD, HERE, PLAN, ROOT, Clock, Results, run, say

CXX = os.environ.get("CXX", "g++")
CPU_FLAGS = ["-march=x86-64-v3", "-O2", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]


@dataclass(eq=False)
class Job:
    """A command that makes `output` of `sources` and of what other jobs make."""

    output: pathlib.Path
    command: list
    sources: list[pathlib.Path]
    needs: list["Job"] = field(default_factory=list)


class Toolchain:
    """How device sources are compiled: by nvcc for the device that is there, or by g++ for the CPU."""

    def __init__(self, dry: bool, capability: str):
        self.dry, self.capability = dry, capability
        self.folder = BUILD / ("cpu" if dry else f"sm_{capability}")
        self.nvcc = find_nvcc()
        self.includes = [f"-I{ROOT}"]
        third = ROOT / "third"
        self.has_zlib = (third / "libz.a").exists()
        self.libraries = [str(third / "libz.a")] if self.has_zlib else ["-lz"]
        self.cublas = [] if dry else find_cublas()
        self.jobs: dict[pathlib.Path, Job] = {}

    def job(self, output: pathlib.Path, command: list, sources: list, needs: list[Job] = ()) -> Job:
        """The same output is one job, whoever asks for it."""
        if output not in self.jobs:
            self.jobs[output] = Job(output, command, [pathlib.Path(s) for s in sources], list(needs))
        return self.jobs[output]

    # --- objects ------------------------------------------------------------------------------------------------

    def cpp(self, source: pathlib.Path, output: pathlib.Path, flags: list = ()) -> Job:
        third = [f"-I{ROOT / 'third'}"] if self.has_zlib else []
        return self.job(output, [CXX, "-std=c++17", "-O2", "-fPIC", "-pthread", *self.includes, *third, *flags, "-c",
                                 source, "-o", output], [source])

    def device_command(self, source, output, flags: list, on_cpu: bool) -> list:
        if on_cpu:
            return [CXX, "-std=c++17", "-O1", "-fPIC", "-pthread", *flags, *self.includes, "-xc++", "-c", source, "-o", output]
        return [self.nvcc, "-std=c++17", "-O2", "-ftz=true", f"-gencode=arch=compute_{self.capability},code=sm_{self.capability}",
                "-Xcompiler", "-fPIC", *flags, *self.includes, "-c", source, "-o", output]

    def device(self, source: pathlib.Path, output: pathlib.Path, flags: list = ()) -> Job:
        return self.job(output, self.device_command(source, output, list(flags), self.dry), [source])

    def runtime(self, part: str) -> list[Job]:
        """Objects of runtime/core or of runtime/program."""
        sources = sorted((ROOT / "runtime" / part).rglob("*.cpp"))
        return [self.cpp(s, self.folder / "runtime" / f"{part}_{s.parent.name}_{s.stem}.o") for s in sources
                if s.name != "heap_calls.cpp"]

    def host_of_device(self, with_bench: bool) -> list[Job]:
        sources = ["program", "bench"] if with_bench else ["program"]
        return [self.device(ROOT / "runtime/device" / f"{s}.cu", self.folder / "runtime" / f"device_{s}.o") for s in sources]

    # --- what is linked -----------------------------------------------------------------------------------------

    def link(self, output: pathlib.Path, parts: list[Job], libraries: list, shared: bool = False, on_cpu: bool = False) -> Job:
        objects = [p.output for p in parts]
        if self.dry or on_cpu:
            command = [CXX, *(["-shared"] if shared else []), *objects, "-o", output, *libraries, "-pthread"]
        else:
            command = [self.nvcc, "-cudart=static", *(["-shared"] if shared else []), *objects, "-o", output, *libraries,
                       "-Xcompiler", "-pthread"]
        return self.job(output, command, [], parts)

    def model(self, folder: str) -> pathlib.Path:
        return ROOT / "models" / folder

    def device_model(self, folder: str, name: str) -> Job:
        return self.device(self.model(folder) / f"{name}.cu", self.folder / folder / f"{name}.o", [f"-I{self.model(folder)}"])

    def program(self, folder: str, name: str) -> Job:
        """PROGRAM train, selftest, bench of a model on the device."""
        main = self.cpp(self.model(folder) / "main.cpp", self.folder / folder / "main.o", [f"-I{self.model(folder)}"])
        parts = [main, self.device_model(folder, name), *self.host_of_device(True), *self.runtime("core"), *self.runtime("program")]
        return self.link(self.folder / folder / "program", parts, self.libraries)

    def cpu_program(self, folder: str, name: str) -> Job:
        """The same of a model on the CPU."""
        flags = [f"-I{self.model(folder)}"]
        parts = [self.cpp(self.model(folder) / "main.cpp", self.folder / folder / "main.o", flags),
                 self.cpp(self.model(folder) / f"{name}.cpp", self.folder / folder / f"{name}.o", [*CPU_FLAGS, *flags]),
                 *self.runtime("core"), *self.runtime("program")]
        return self.link(self.folder / folder / "program", parts, self.libraries, on_cpu=True)

    def library(self, folder: str, name: str) -> Job:
        """native/harness.cpp with a model on the device, for a process that calls it."""
        harness = self.cpp(HERE / "native/harness.cpp", self.folder / folder / "harness.o", [f"-DMODEL={name}_model"])
        return self.link(self.folder / folder / "libmodel.so",
                         [harness, self.device_model(folder, name), *self.host_of_device(False), *self.runtime("core")], [], shared=True)

    def launches(self, folder: str, name: str) -> Job:
        """native/launches.cu with a model's source in it."""
        flags = [f"-I{self.model(folder)}", f"-DMODEL={name}", f'-DMODEL_FILE="{name}.cu"']
        libraries = []
        if self.cublas:
            include, library = self.cublas
            flags += ["-DWITH_CUBLASLT", f"-I{include}"]
            libraries = [library, "-Xlinker", f"-rpath,{pathlib.Path(library).parent}"]
        main = self.device(HERE / "native/launches.cu", self.folder / folder / "launches.o", flags)
        main.sources.append(self.model(folder) / f"{name}.cu")
        return self.link(self.folder / folder / "launches", [main, *self.host_of_device(False), *self.runtime("core")], libraries)


def find_nvcc() -> str:
    """$CUDACXX, or in PATH, or where the toolkit puts it; "" where there is none."""
    for candidate in (os.environ.get("CUDACXX"), shutil.which("nvcc"), "/usr/local/cuda/bin/nvcc"):
        if candidate and shutil.which(candidate):
            return candidate
    return ""


def find_cublas() -> list:
    """Folder of cublasLt.h and path of libcublasLt.so: of the toolkit, or of a Python package of it; [] where there is
    none."""
    roots = [pathlib.Path("/usr/local/cuda"), pathlib.Path(find_nvcc() or "/").resolve().parents[1]]
    try:
        import nvidia
        roots += [path for base in nvidia.__path__ for path in pathlib.Path(base).iterdir()]
    except ImportError:
        pass
    for root in roots:
        header = root / "include" / "cublasLt.h"
        libraries = [*root.glob("lib64/libcublasLt.so*"), *root.glob("lib/libcublasLt.so*"),
                     *root.glob("targets/x86_64-linux/lib/libcublasLt.so*")]
        if header.exists() and libraries:
            return [header.parent, str(sorted(libraries)[0])]
    return []


# --------------------------------------------------------------------------------------------------------- builds


class Builder:
    """Runs jobs, each when what it needs is there."""

    def __init__(self, clock: Clock):
        self.clock, self.failed, self.done = clock, {}, set()
        self.lock = threading.Lock()

    def build(self, wanted: list[Job]) -> None:
        order: dict[Job, None] = {}

        def visit(job: Job) -> None:
            for need in job.needs:
                visit(need)
            order.setdefault(job)

        for job in wanted:
            visit(job)
        # All that need nothing, the largest sources first; then what is linked of them.
        size = lambda job: -sum(s.stat().st_size for s in job.sources)
        for stage in (sorted((j for j in order if not j.needs), key=size), [j for j in order if j.needs]):
            with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
                list(pool.map(self.run, stage))

    def run(self, job: Job) -> None:
        broken = [n.output for n in job.needs if n.output in self.failed]
        if broken:
            self.failed[job.output] = f"{broken[0].name} could not be made"
            return
        if self.fresh(job):
            return
        job.output.parent.mkdir(parents=True, exist_ok=True)
        outcome = run(job.command, self.clock.left())
        if not outcome.ok:
            job.output.unlink(missing_ok=True)
            with self.lock:
                self.failed[job.output] = outcome.why()
            say(f"  not built: {job.output.relative_to(BUILD)}\n{' '.join(map(str, job.command))}\n{outcome.output[-2000:]}")

    @staticmethod
    def fresh(job: Job) -> bool:
        if not job.output.exists():
            return False
        made = job.output.stat().st_mtime
        return all(p.stat().st_mtime < made for p in [*job.sources, *(n.output for n in job.needs), ROOT / "plan.json"])


def build(toolchain: Toolchain, wanted: dict[str, Job], clock: Clock, results: Results) -> dict[str, pathlib.Path]:
    """Paths by name; what could not be built is missing, and said so in the results."""
    builder = Builder(clock)
    builder.build(list(wanted.values()))
    failed = {str(path.relative_to(BUILD)): why for path, why in builder.failed.items()}
    results.set("build", "failed", failed)
    return {name: job.output for name, job in wanted.items() if job.output not in builder.failed}


def compile_for_devices(toolchain: Toolchain, clock: Clock, results: Results) -> None:
    """Without a device: everything that one would run is compiled for sm_90 all the same."""
    real = Toolchain(False, "90")
    if not real.nvcc:
        results.set("build", "for sm_90", "skipped: no nvcc was found")
        return
    jobs = [real.device_model(m["folder"], m["name"]) for m in PLAN["models"].values()
            if m["target"] == "cuda" and m["use"] not in ("products", "memory")]
    jobs += real.host_of_device(True)
    jobs += [real.launches(m["folder"], m["name"]).needs[0] for m in PLAN["models"].values() if m["use"] in ("products", "memory")]
    builder = Builder(clock)
    builder.build(jobs)
    results.set("build", "for sm_90", {"sources": len(jobs), "failed": {str(p.relative_to(BUILD)): w for p, w in builder.failed.items()}})
