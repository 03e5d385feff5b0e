"""Fused against unfused: `PROGRAM bench` of both, in turns, each step as one CUDA graph; and where its time goes."""
from __future__ import annotations

import json
import statistics

from common import PLAN, Clock, Results, environment_of_device, run, say

ROUNDS = 3


def limit_of(kernel: dict, machine: dict) -> tuple[str, float]:
    """What a kernel needs at least, and what sets it; as frontend/driver/BenchReport.cpp does."""
    peaks = machine["peaks"]
    moved = kernel["read"] + kernel["written"]
    near = kernel["touched"] <= machine["l2_bytes"] / 2
    name, seconds = ("L2", moved / peaks["l2"]) if near else ("memory", moved / peaks["memory"])
    arithmetic = kernel["flops"] / peaks["f32"]
    return ("FMA", 1e6 * arithmetic) if arithmetic > seconds else (name, 1e6 * seconds)


def kernels(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    for key, model in PLAN["workloads"].items():
        name = model["name"]
        programs = [built.get(f"timed/{name}-{fuse}") for fuse in ("all", "none")]
        batch = {"W3": 1}.get(key, 128 if not dry else 1)
        if dry and key not in ("W3", "W5"):
            results.set("kernels", key, {"skipped": "without a device it takes too long"})
            continue
        if not all(programs):
            results.set("kernels", key, {"problem": "not built"})
            continue
        runs, problem = ([], []), ""
        for _ in range(1 if dry else ROUNDS):
            for side, program in zip(runs, programs):
                if clock.over() or problem:
                    break
                size = ["--batch", batch] if dry else []
                outcome = run([program, "bench", "--json", "--peaks", "--seconds", "0.02" if dry else "0.4", *size], clock.left(),
                              environment_of_device(dry))
                begin = outcome.output.find("{\"model\"")
                if outcome.ok and begin >= 0:
                    side.append(json.loads(outcome.output[begin:].splitlines()[0]))
                else:
                    problem = outcome.why()
        if problem or not runs[0] or len(runs[0]) != len(runs[1]):
            results.set("kernels", key, {"problem": problem} if problem else {"skipped": "no time was left"})
            continue
        results.set("kernels", key, summary(*runs))
        say(f"  {key}: fused {results.all['kernels'][key]['fused_us']:.1f} us, unfused {results.all['kernels'][key]['unfused_us']:.1f} us")


def summary(fused: list[dict], unfused: list[dict]) -> dict:
    machine = fused[0]["machine"]
    step = lambda runs: statistics.median(r["median_us"] for r in runs)
    table = []
    for kernel in fused[0]["kernels"]:
        if kernel["ran"]:
            limit, us = limit_of(kernel, machine)
            table.append({"name": kernel["name"], "us": kernel["us"], "limit": limit, "limit_us": us,
                          "share_of_limit": us / kernel["us"] if kernel["us"] else None})
    return {"batch": fused[0]["batch"], "fused_us": step(fused), "unfused_us": step(unfused),
            "ratio": statistics.median(u["median_us"] / f["median_us"] for f, u in zip(fused, unfused)),
            "call_us": statistics.median(r["call_us"] for r in fused), "machine": machine, "kernels": table}
