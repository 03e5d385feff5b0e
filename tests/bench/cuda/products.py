"""Products of matrices against the toolkit's library, and kernels that only move memory against a copy."""
from __future__ import annotations

import json

from common import PLAN, Clock, Results, environment_of_device, run, say


def models_for(use: str) -> list[dict]:
    return [m for m in PLAN["models"].values() if m["use"] == use]


def figures(program, arguments: list, dry: bool, clock: Clock) -> dict:
    """What native/launches.cu prints."""
    if not program:
        return {"problem": "not built"}
    if clock.over():
        return {"skipped": "no time was left"}
    outcome = run([program, *arguments], clock.left(), environment_of_device(dry))
    begin = outcome.output.find("{")
    return json.loads(outcome.output[begin:]) if outcome.ok and begin >= 0 else {"problem": outcome.why()}


# |ours - theirs| / |ours|: sums in another order; TF32 keeps 10 bits, bfloat16 7 of them, also of the library's result.
TOLERANCES = {"fp32": 1e-5, "tf32": 2e-3, "bf16": 2e-2}


def products(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    """GFLOP/s of a dense layer with relu, ours and the library's in turns."""
    for model in models_for("products"):
        size, math = model["size"], model["math"]
        key = f"{size}, {math}"
        if dry and size > PLAN["smallest_product"]:
            results.set("products", key, {"skipped": "without a device it takes too long"})
            continue
        batch, seconds = (4, 0) if dry else (size, 1.0)
        found = figures(built.get(f"products/{model['name']}-{math}"), ["predict", batch, seconds, math], dry, clock)
        if "ours" in found:
            flops = 2.0 * batch * size * size
            value = {"ours_tflops": flops / found["ours"]["us"] / 1e6, "ours_us": found["ours"]["us"]}
            if "library" in found:
                value.update(library_tflops=flops / found["library"]["us"] / 1e6, library_us=found["library"]["us"],
                             share=found["library"]["us"] / found["ours"]["us"], difference=found["difference"],
                             ok=found["difference"] < TOLERANCES[math])
            else:
                value["library"] = "not there"
            found = value
        results.set("products", key, found)
        say(f"  product {key}: {found}")


LARGE = 100e6  # bytes of a kernel that no cache holds


def memory(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    """Bytes a second of kernels that do little else, as a share of a copy's in the same process."""
    for model in models_for("memory"):
        batch, seconds = (model["dry_batch"], 0) if dry else (model["batch"], 0.5)
        found = figures(built.get(f"memory/{model['name']}"), [model["step"], batch, seconds], dry, clock)
        if "kernels" not in found:
            results.set("memory", model["name"], found)
            continue
        for kernel in found["kernels"]:
            if kernel["bytes"] >= (0 if dry else LARGE) and kernel["us"] > 0:
                rate = kernel["bytes"] / kernel["us"] / 1e3
                results.set("memory", f"{model['name']}: {kernel['name']}",
                            {"us": kernel["us"], "megabytes": kernel["bytes"] / 1e6, "gb_s": rate, "copy_gb_s": found["copy_gb_s"],
                             "share": rate / found["copy_gb_s"]})
        say(f"  memory, {model['name']}: {found}")
