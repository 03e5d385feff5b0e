"""The machine on which figures were measured."""
from __future__ import annotations

import os
import pathlib
import platform
import subprocess


def _first(path: str, key: str) -> str:
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return ""


def _caches() -> dict[str, str]:
    """Of the first core: "L1d": "48K"."""
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def describe() -> dict:
    flags = _first("/proc/cpuinfo", "flags").split()
    compiler = subprocess.run([os.environ.get("CXX", "g++"), "--version"], capture_output=True, text=True, check=True)
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return {"processor": _first("/proc/cpuinfo", "model name"),
            "family": f"family {_first('/proc/cpuinfo', 'cpu family')}, model {_first('/proc/cpuinfo', 'model')}",
            "cores": os.cpu_count(), "caches": _caches(),
            "vectors": "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine(),
            "system": release.get("PRETTY_NAME", "").strip('"'), "compiler": compiler.stdout.splitlines()[0],
            "load": os.getloadavg()[0]}
