"""What all parts share: where things lie, the time that is left, commands, results that are kept as they come."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent  # bench/cuda of a prepared folder
ROOT = HERE.parents[1]
BUILD = ROOT / "build"
RESULTS = ROOT / "results"
DATA = ROOT / "data"
PLAN = json.loads((ROOT / "plan.json").read_text()) if (ROOT / "plan.json").exists() else {}


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class Clock:
    """How long everything, and a part of it, may take."""

    def __init__(self, seconds: float):
        self.end = self.end_of_part = time.monotonic() + seconds

    def begin_part(self, seconds: float) -> None:
        self.end_of_part = min(self.end, time.monotonic() + seconds)

    def left(self) -> float:
        return self.end_of_part - time.monotonic()

    def over(self) -> bool:
        return self.left() <= 0


class Outcome:
    """How a command ended. `status` is None where it was not let finish."""

    def __init__(self, status: int | None, output: str, seconds: float):
        self.status, self.output, self.seconds = status, output, seconds

    @property
    def ok(self) -> bool:
        return self.status == 0

    def why(self) -> str:
        """The last line that says something."""
        if self.status is None:
            return f"stopped after {self.seconds:.0f} s"
        lines = [line for line in self.output.strip().splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"ended with status {self.status}"


def run(command: list, seconds: float, environment: dict | None = None, folder: pathlib.Path | None = None) -> Outcome:
    """A command and all that it prints, for so many seconds at most."""
    began = time.monotonic()
    try:
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, **(environment or {})}, cwd=folder, errors="replace")
    except OSError as reason:
        return Outcome(127, str(reason), 0)
    try:
        output = process.communicate(timeout=max(seconds, 0.1))[0]
        return Outcome(process.returncode, output, time.monotonic() - began)
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0]
        return Outcome(None, output, time.monotonic() - began)


class Results:
    """One object, written again after each thing that is known."""

    def __init__(self, path: pathlib.Path, only: list[str]):
        self.path, self.lock, self.all = path, threading.Lock(), {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if only and path.exists():  # the other parts keep what they had
            self.all = json.loads(path.read_text())

    def set(self, part: str, key: str, value) -> None:
        with self.lock:
            self.all.setdefault(part, {})[key] = value
            self._write()

    def begin(self, part: str) -> None:
        with self.lock:
            self.all[part] = {}
            self._write()

    def _write(self) -> None:
        written = self.path.with_suffix(".new")
        written.write_text(json.dumps(self.all, indent=1))
        written.replace(self.path)


def environment_of_device(dry: bool) -> dict:
    """For programs; without a device they run on the CPU, one as small as can be."""
    return {"HORNFELS_DEVICE_MULTIPROCESSORS": "1", "HORNFELS_BENCH_COPY_BYTES": "1048576"} if dry else {}
