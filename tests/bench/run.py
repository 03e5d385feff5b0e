"""Runs the workloads against the rivals, interleaved, and writes a table and a JSON file. `run.sh` is the command.

For each workload: start every contestant, check that it computes the same thing, then let all take turns, one round
each, several times. A contestant that cannot start or disagrees is reported and not timed.
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

import build
import figures
import machine
import reference
import table
import workloads
from contestants import OURS, PEAK, RIVALS, UNFUSED, Entry
from worker import Gone, Worker
from workloads import Workload

# Of the mean loss of each checked epoch: sums are added in another order, and steps carry the difference on.
LOSS_TOLERANCES = (0.01, 0.05)
# Of the loss of the first batches; nothing but a forward pass lies before the first.
BATCH_TOLERANCES = np.array([2e-5, 1e-3, 1e-3])
CHECKED_EPOCHS = len(LOSS_TOLERANCES)
EXPECTED: dict[tuple, dict] = {}  # what numpy computed
OUTPUT_TOLERANCE = 1e-4  # of the largest output


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Match:
    """A workload with all who take part in it."""

    def __init__(self, workload: Workload, options: argparse.Namespace, libraries: dict[str, str]):
        self.workload, self.options, self.libraries = workload, options, libraries
        self.workers: list[Worker] = []
        self.rounds: dict[str, list[dict]] = {}
        self.losses: dict[str, list[float]] = {}
        self.refused: dict[str, str] = {}
        self.data, self.weights = workloads.load(workload), workloads.first_weights(workload)
        # By the model and not by the number of threads: numpy takes longer than anybody else.
        self.expected = EXPECTED.setdefault((workload.model, workload.batch, workload.task), {})

    def play(self) -> dict:
        """Everything, from starting the contestants to their figures."""
        try:
            for entry in self.entries():
                self.start(entry)
            for i in range(self.options.rounds):
                for worker in list(self.workers):
                    self.round(worker)
                say(f"  round {i + 1} of {self.options.rounds}")
        finally:
            for worker in self.workers:
                worker.close()
        return self.result()

    def entries(self) -> list[Entry]:
        wanted = self.options.against.split(",") if self.options.against else None
        rivals = [e for e in (UNFUSED, *RIVALS) if e.takes(self.workload) and (wanted is None or e.key in wanted)]
        return [PEAK, OURS, *rivals]

    def start(self, entry: Entry) -> None:
        """Starts and checks; what goes wrong is kept as the reason why there is no figure."""
        library = self.libraries.get(entry.native)
        if entry.native and not library:
            self.refused[entry.key] = "not there"
            return
        environment = {"HORNFELS_BENCH_LIBRARY": str(library or ""), "HORNFELS_BENCH_EXCHANGE": self.options.exchange,
                       "HORNFELS_BENCH_VERSION": self.options.version}
        began, worker = time.perf_counter(), None
        try:
            worker = Worker(entry, self.workload, self.options.cache, environment, self.options.cores,
                            self.options.nice)
            answer = worker.ask(do="check", epochs=CHECKED_EPOCHS)
            worker.ready["first"] = worker.ready["ready"] + answer.get("first", 0)
            problem = self.compare(entry, answer)
        except (Gone, OSError) as reason:
            problem = str(reason)
        if problem:
            self.refused[entry.key] = problem
            if worker:
                worker.close()
            say(f"  {entry.key}: {problem}")
            return
        self.workers.append(worker)
        self.rounds[entry.key] = []
        say(f"  {entry.key}: {worker.ready['version']}, ready and checked in {time.perf_counter() - began:.1f} s")

    def compare(self, entry: Entry, answer: dict) -> str:
        """Why the contestant does not compute the workload; "" if it does."""
        if entry is PEAK:
            return ""
        if "losses" in answer:
            self.losses[entry.key] = answer["losses"]
            return self.compare_losses(answer)
        if not self.expected:
            row = self.data.dense(self.workload.inputs)[:self.workload.batch]
            self.expected["output"] = reference.forward(self.workload, self.weights, row)
        out, expected = np.load(answer["output"]), self.expected["output"]
        os.unlink(answer["output"])
        off = np.max(np.abs(out - expected)) / np.max(np.abs(expected))
        return f"outputs differ by {off:.2g} of the largest" if not off < OUTPUT_TOLERANCE else ""

    def compare_losses(self, answer: dict) -> str:
        """The means of epochs against numpy's, and the first batches, where they are told, more closely."""
        inside = answer["epsilon_inside"]
        if inside not in self.expected:
            self.expected[inside] = reference.losses(self.workload, self.data, self.weights, CHECKED_EPOCHS, inside)
        means, batches = self.expected[inside]
        told = len(answer["batches"])
        for what, found, expected, tolerances in (
                ("first batches", answer["batches"], batches[:told], BATCH_TOLERANCES[:told]),
                ("epochs", answer["losses"], means, LOSS_TOLERANCES)):
            off = np.abs(np.array(found) / np.array(expected) - 1)
            if not np.all(off < tolerances):  # NaN is not less either
                return f"losses of {what} {found}, expected {expected}"
        return ""

    def round(self, worker: Worker) -> None:
        try:
            self.rounds[worker.entry.key].append(worker.ask(do="round", seconds=self.options.seconds))
        except Gone as reason:
            self.refused[worker.entry.key] = str(reason)
            self.workers.remove(worker)

    def result(self) -> dict:
        """As it stands in the JSON file: medians over rounds; times in microseconds."""
        figures = {}
        for worker in self.workers:
            rounds = self.rounds[worker.entry.key]
            if worker.entry is PEAK:
                continue
            figures[worker.entry.key] = {
                "title": worker.entry.title, "version": worker.ready["version"],
                "median_us": statistics.median(r["median"] for r in rounds),
                "least_us": min(r["least"] for r in rounds),
                "first_s": worker.ready["first"], "losses": self.losses.get(worker.entry.key),
                "rounds": rounds}
        peaks = self.rounds.get(PEAK.key) or [{}]
        return {"title": self.workload.title, "rounds": self.options.rounds, "unit": self.workload.unit,
                "threads": self.workload.threads,
                "flops": self.workload.flops if self.workload.dense_flops else None,
                "weight_bytes": sum(a.nbytes for layer in self.weights for a in layer),
                "peak": {name: statistics.median(r[name] for r in peaks) for name in peaks[0]},
                "expected_losses": self.expected.get(True, [None])[0],
                "contestants": figures, "refused": self.refused}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--only", default="", help="workloads, such as W1,W5")
    parser.add_argument("--against", default="", help="rivals by key, such as torch1,jax")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="least length of a round")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--builds", type=int, default=2, help="how often `hornfels build` is timed; the best counts")
    parser.add_argument("--tool", default=str(workloads.ROOT / "build/release/bin/hornfels"))
    parser.add_argument("--cores", default="", help="which cores to use, such as 1,0; the first for one thread")
    parser.add_argument("--nice", type=int, default=0, help="priority of all contestants, on a machine with other work")
    parser.add_argument("--keep", action="store_true", help="puts the figures into figures.md and the README")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("bench"),
                        help="writes PATH.md and PATH.json")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 0.1
    options.cores = [int(c) for c in options.cores.split(",")] if options.cores else sorted(os.sched_getaffinity(0))
    return options


def main() -> None:
    options = arguments()
    chosen = workloads.choose(options.only)
    options.version = build.run([options.tool, "--version"]).stdout.strip()
    libraries = build.libraries(options.cache)
    results = {"machine": machine.describe(), "workloads": {}}
    built: dict[str, build.Built] = {}
    with tempfile.TemporaryDirectory() as options.exchange:
        for workload in chosen:
            say(f"{workload.key}: {workload.title}")
            if workload.model not in built:
                built[workload.model] = build.model(options.tool, workload, options.cache / "models", options.builds)
            model = built[workload.model]
            if UNFUSED.takes(workload) and not model.unfused:
                model.unfused = build.library(options.tool, workload, options.cache / "models", "none")
            result = Match(workload, options, {**libraries, "model": model.library, "unfused": model.unfused}).play()
            result["build_s"], result["build_processor_s"] = model.seconds, model.processor_seconds
            results["workloads"][workload.key] = result
            options.output.with_suffix(".json").write_text(json.dumps(results, indent=1))
            options.output.with_suffix(".md").write_text(table.markdown(results))
    print(table.markdown(results))
    if options.keep:
        try:
            figures.keep(results)
        except figures.Different as reason:
            raise SystemExit(f"not kept: {reason}") from None


if __name__ == "__main__":
    main()
