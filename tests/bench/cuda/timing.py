"""Training steps against PyTorch and JAX on the same device: the same model, the same first weights, all rows on the
device, float32 for everybody. A process for each contestant; all are started and checked, then take turns."""
from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from common import DATA, HERE, PLAN, RESULTS, ROOT, Clock, Results, environment_of_device, say

ROUNDS, SECONDS = 5, 0.3


@dataclass(frozen=True)
class Entry:
    """A contestant: the class that computes, what it is told, and in which workloads it takes part."""

    key: str
    title: str
    module: str
    kind: str
    options: dict
    takes: str = "all"  # all, words, dense, images, not sequences

    def takes_part(self, workload) -> bool:
        return {"all": True, "words": workload.tokens, "dense": not workload.tokens, "images": workload.images,
                "not sequences": not workload.sequences}[self.takes]


TORCH, JAX = "cuda_pytorch", "cuda_jax"
RIVALS = (
    Entry("torch", "PyTorch, eager", TORCH, "Eager", {}),
    Entry("torch-ids", "PyTorch, eager, EmbeddingBag", TORCH, "Eager", {"ids": "bag"}, "words"),
    Entry("torch-last", "PyTorch, eager, channels last", TORCH, "Eager", {"last": True}, "images"),
    Entry("torch-graph", "PyTorch, eager under a CUDA graph", TORCH, "Graph", {}),
    Entry("torch-graph-ids", "PyTorch, rows gathered and added, CUDA graph", TORCH, "Graph", {"ids": "rows"}, "words"),
    Entry("torch-graph-last", "PyTorch, channels last, CUDA graph", TORCH, "Graph", {"last": True}, "images"),
    Entry("compile", "torch.compile of the step, reduce-overhead", TORCH, "Compiled", {}, "not sequences"),
    Entry("compile-ids", "torch.compile on ids, reduce-overhead", TORCH, "Compiled", {"ids": "rows"}, "words"),
    Entry("compile-parts", "torch.compile of loss and update, reduce-overhead", TORCH, "CompiledParts", {}),
    Entry("jax", "JAX, jit", JAX, "Jit", {}),
    Entry("jax-scan", "JAX, scan over the epoch", JAX, "Scan", {}),
    Entry("jax-ids", "JAX on ids, jit", JAX, "Words", {}, "words"),
    Entry("jax-scan-ids", "JAX on ids, scan", JAX, "WordsScan", {}, "words"),
)


class Gone(Exception):
    """The process ended or did not answer in time; the message says why."""


class Player:
    """A contestant's process."""

    def __init__(self, entry: Entry, key: str, python: str, environment: dict, clock: Clock):
        self.entry, self.clock = entry, clock
        self.errors = tempfile.TemporaryFile("w+")
        command = [python, str(HERE.parent / "contestant.py"), entry.module, entry.kind, json.dumps(entry.options), key]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env={**os.environ, **environment}, cwd=HERE.parent)
        try:
            self.ready = self._answer()
        except Gone:
            self.close()
            raise

    def ask(self, **request) -> dict:
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._answer()

    def _answer(self) -> dict:
        if not select.select([self.process.stdout], [], [], max(self.clock.left(), 1))[0]:
            raise Gone("no answer in time")
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        lines = [text for text in self.errors.read().strip().splitlines() if text.strip()]
        raise Gone(lines[-1][:300] if lines else f"ended with status {self.process.returncode}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def python_with(module: str) -> str:
    """An interpreter that has it: of HORNFELS_BENCH_PYTHON (a list), else this one; "" where none has."""
    for python in [*os.environ.get("HORNFELS_BENCH_PYTHON", "").split(":"), sys.executable]:
        if python and subprocess.run([python, "-c", f"import {module}, numpy"], capture_output=True).returncode == 0:
            return python
    return ""


class Match:
    """A workload, and all who compute it."""

    def __init__(self, key: str, built: dict, pythons: dict, dry: bool, clock: Clock, results: Results):
        import workloads
        self.key, self.dry, self.clock, self.results = key, dry, clock, results
        self.workload = workloads.WORKLOADS[key]
        self.built, self.pythons = built, pythons
        self.rows = {"rows": self.workload.batch if self.workload.batch > 1 else 3} if dry else {}
        self.players: list[Player] = []
        self.lock = threading.Lock()
        self.rounds: dict[str, list[dict]] = {}
        self.found: dict[str, dict] = {}
        self.expected: dict[bool, list[float]] = {}

    def entries(self) -> list[tuple[Entry, str]]:
        """With the interpreter of each."""
        name = PLAN["workloads"][self.key]["name"]
        chosen = []
        for fuse, title in (("all", "Hornfels"), ("none", "Hornfels, --fuse=none")):
            if library := self.built.get(f"library/{name}-{fuse}"):
                options = {"library": str(library), **self.rows}
                chosen.append((Entry("hornfels" if fuse == "all" else "unfused", title, "cuda_hornfels", "Generated", options), sys.executable))
            else:
                self.found["hornfels" if fuse == "all" else "unfused"] = {"title": title, "problem": "not built"}
        for entry in RIVALS:
            if not entry.takes_part(self.workload):
                continue
            python = self.pythons["torch" if entry.module == TORCH else "jax"]
            if self.dry and entry.kind not in ("Eager", "Jit", "Words"):
                continue
            options = {**entry.options, **self.rows, **({"device": "cpu"} if self.dry else {})}
            if python:
                chosen.append((Entry(entry.key, entry.title, entry.module, entry.kind, options), python))
            else:
                self.found[entry.key] = {"title": entry.title, "skipped": f"no Python with {'torch' if entry.module == TORCH else 'jax'}"}
        return chosen

    def prepare(self) -> None:
        """What numpy computes for the first batches."""
        import numpy as np
        import reference
        import workloads
        from rows import first_rows
        data = first_rows(workloads.load(self.workload), 3 * self.workload.batch)
        if self.rows:
            data = first_rows(data, self.rows["rows"])
        for inside in (True, False):
            _, batches = reference.losses(self.workload, data, workloads.first_weights(self.workload), 1, inside)
            self.expected[inside] = [float(b) for b in np.asarray(batches)[:3]]

    def start(self, entry: Entry, python: str) -> None:
        environment = {"PYTHONPATH": f"{HERE}:{HERE.parent}", "HORNFELS_DATA": str(DATA), "PYTHONDONTWRITEBYTECODE": "1",
                       "HORNFELS_BENCH_EXCHANGE": str(RESULTS), "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
                       "NVIDIA_TF32_OVERRIDE": "0", **environment_of_device(self.dry)}
        if self.dry:
            environment.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
        began, player, answer = time.monotonic(), None, {}
        try:
            player = Player(entry, self.key, python, environment, self.clock)
            answer = player.ask(do="check", epochs=1)
            problem = self.compare(answer)
        except (Gone, OSError) as reason:
            problem = str(reason)
        with self.lock:
            value = {"title": entry.title, "version": player.ready["version"] if player else "",
                     "first_s": round(time.monotonic() - began, 1)}
            if problem:
                value["problem"] = problem
                if player:
                    player.close()
            else:
                self.players.append(player)
                self.rounds[entry.key] = []
                value["epoch_loss"] = answer["losses"][0]
            self.found[entry.key] = value
        say(f"  {self.key} {entry.key}: {problem or 'ready'}, {time.monotonic() - began:.0f} s")

    def compare(self, answer: dict) -> str:
        """The losses of the first batches: nothing but a forward pass lies before the first."""
        import numpy as np
        expected = self.expected[answer["epsilon_inside"]]
        found = answer["batches"][:len(expected)]
        off = np.abs(np.array(found) / np.array(expected[:len(found)]) - 1)
        right = len(found) > 0 and np.all(off < np.array([5e-5, 2e-3, 2e-3])[:len(found)])
        return "" if right else f"losses of the first batches {found}, expected {expected}"

    def round(self) -> None:
        """A round of everybody, in another order each time."""
        first = len(next(iter(self.rounds.values()), [])) % max(1, len(self.players))
        for player in self.players[first:] + self.players[:first]:
            if self.clock.over():
                return
            try:
                self.rounds[player.entry.key].append(player.ask(do="round", seconds=0.0 if self.dry else SECONDS))
            except Gone as reason:
                self.found[player.entry.key]["problem"] = str(reason)
        self.players = [p for p in self.players if "problem" not in self.found[p.entry.key]]

    def tell(self) -> None:
        """What is known so far."""
        for key, rounds in self.rounds.items():
            if rounds:
                self.found[key].update(median_us=statistics.median(r["median"] for r in rounds),
                                       least_us=min(r["least"] for r in rounds), rounds=len(rounds))
        ours = self.found.get("hornfels", {}).get("median_us")
        rivals = {k: v["median_us"] for k, v in self.found.items() if k not in ("hornfels", "unfused") and "median_us" in v}
        best = min(rivals, key=rivals.get, default=None)
        self.results.set("timing", self.key, {
            "title": self.workload.title, "unit": self.workload.unit, "contestants": self.found, "best_rival": best,
            "ratio": rivals[best] / ours if best and ours else None})

    def close(self) -> None:
        for player in self.players:
            player.close()


def timing(built: dict, dry: bool, clock: Clock, results: Results, chosen: list[str]) -> None:
    os.environ["HORNFELS_DATA"] = str(DATA)
    pythons = {module: python_with(module) for module in ("torch", "jax")}
    keys = [k for k in PLAN["workloads"] if not chosen or k in chosen or k.rstrip("abc") in chosen]
    if dry:
        for key in [k for k in keys if k not in PLAN["dry_workloads"]]:
            results.set("timing", key, {"skipped": "without a device it takes too long"})
            keys.remove(key)
    for key in keys:
        if clock.over():
            results.set("timing", key, {"skipped": "no time was left"})
            continue
        match = Match(key, built, pythons, dry, clock, results)
        try:
            match.prepare()
            # Compilers take the time that there is: all contestants of a workload start at once.
            with ThreadPoolExecutor(1 if dry else max(2, (os.cpu_count() or 2) // 2)) as pool:
                list(pool.map(lambda one: match.start(*one), match.entries()))
            match.tell()
            for _ in range(1 if dry else ROUNDS):
                match.round()
            match.tell()
        except SystemExit as reason:  # no data
            results.set("timing", key, {"skipped": str(reason)})
        finally:
            match.close()
        say(f"  {key}: {results.all['timing'][key].get('ratio')} times faster than {results.all['timing'][key].get('best_rival')}")
