"""Whether what the device computes is right: its numbers against the CPU's program, its bits against its own, and NVIDIA's
checkers of memory and of races."""
from __future__ import annotations

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from common import DATA, PLAN, RESULTS, Clock, Results, environment_of_device, run, say

REPEATS = 10


def checked_models() -> list[dict]:
    """Smallest sources first: a cut run has seen the most."""
    return [m for m in PLAN["models"].values() if m["use"] == "check" and m["target"] == "cuda"]


def numbers(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    """Each model's selftest; its predictions, its loss and its predictions after a step of training as the CPU's program
    has them, to 1e-5; again and again the same checksum."""
    environment = environment_of_device(dry)

    def check(model: dict) -> None:
        name = model["name"]
        if clock.over():
            return results.set("numbers", name, {"skipped": "no time was left"})
        device, cpu = built.get(f"check/{name}"), built.get(f"check/{name}-cpu")
        if not device or not cpu:
            return results.set("numbers", name, {"problem": "not built"})
        vector = RESULTS / f"{name}.npz"
        vector.unlink(missing_ok=True)
        wrote = run([cpu, "selftest", "--write", vector], clock.left())
        if not wrote.ok:
            return results.set("numbers", name, {"problem": f"the CPU's program: {wrote.why()}"})
        outcome = run([device, "selftest", "--vector", vector], clock.left(), environment)
        wrong = re.findall(r"FAILED  (.*)", outcome.output) or ([] if outcome.ok else [outcome.why()])
        sums = set(re.findall(r"checksum (\w+)", outcome.output))
        repeats = 2 if dry else REPEATS
        for _ in range(repeats - 1):
            if not wrong:
                sums |= set(re.findall(r"checksum (\w+)", run([device, "selftest"], clock.left(), environment).output))
        if len(sums) > 1:
            wrong.append(f"{len(sums)} different checksums in {repeats} runs")
        vector.unlink(missing_ok=True)
        results.set("numbers", name, {"problem": "; ".join(wrong)} if wrong else {"ok": True, "runs": repeats})

    with ThreadPoolExecutor(max(1, min(4, (os.cpu_count() or 2) // 2))) as pool:
        list(pool.map(check, checked_models()))


# What is trained, for how long: enough steps for a race or an unordered sum to show.
TRAININGS = (("boston", "boston.npz", ["--epochs", "3"]), ("imdb", "imdb.npz", ["--epochs", "1"]),
             ("mnist_convnet", "mnist.npz", ["--epochs", "1"]), ("imdb_lstm", "imdb.npz", ["--epochs", "1", "--validation", "20000"]))


def bits(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    """The same seed, ten times: the weight files must be the same, byte for byte."""
    for name, data, arguments in TRAININGS[:1] if dry else TRAININGS:
        program, repeats = built.get(f"check/{name}"), 2 if dry else REPEATS
        if not program or not (DATA / data).exists():
            results.set("bits", name, {"skipped": "no program" if not program else f"no {data}"})
            continue
        hashes, problem, file = [], "", RESULTS / f"{name}-weights.npz"
        while len(hashes) < repeats and not clock.over() and not problem:
            outcome = run([program, "train", "--data", DATA / data, "--seed", "7", "--verbose", "0", *arguments, "--weights", file],
                          clock.left(), environment_of_device(dry))
            if not outcome.ok:
                problem = outcome.why()
            else:
                hashes.append(hashlib.sha256(file.read_bytes()).hexdigest())
                file.unlink()
        if len(set(hashes)) > 1:
            problem = f"{len(set(hashes))} different weight files in {len(hashes)} runs"
        results.set("bits", name, {"problem": problem} if problem else {"ok": len(hashes) == repeats, "runs": len(hashes)})
    if dry:
        results.set("bits", "others", {"skipped": "without a device they take too long"})


def sanitizers(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    """compute-sanitizer over each model's selftest: batches of 19 rows and of 1, all kernels of every step."""
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if dry or not shutil.which(tool):
        return results.set("sanitizers", "all", {"skipped": "no device" if dry else "compute-sanitizer was not found"})

    def check(job: tuple[dict, str]) -> None:
        (model, kind), name = job, job[0]["name"]
        program = built.get(f"check/{name}")
        if not program or clock.over():
            return results.set("sanitizers", f"{name}, {kind}", {"skipped": "not built" if not program else "no time was left"})
        outcome = run([tool, "--tool", kind, "--error-exitcode", "9", "--print-limit", "3", program, "selftest"],
                      min(clock.left(), 120))
        summary = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: (.*)", outcome.output)
        if outcome.status is None:
            value = {"skipped": outcome.why()}
        elif outcome.ok:
            value = {"ok": True, "seconds": round(outcome.seconds, 1)}
        else:
            first = re.findall(r"========= (?:Invalid|Error|Warning|.*[Rr]ace).*", outcome.output)
            value = {"problem": "; ".join([*summary[:1], *first[:1]]) or outcome.why(), "output": outcome.output[-1500:]}
        results.set("sanitizers", f"{name}, {kind}", value)
        say(f"  {name}, {kind}: {value.get('problem') or value.get('skipped') or 'clean'}")

    jobs = [(model, kind) for model in checked_models() for kind in ("memcheck", "racecheck")]
    with ThreadPoolExecutor(max(1, min(4, (os.cpu_count() or 2) // 3))) as pool:
        list(pool.map(check, jobs))
