"""Builds, checks and times what prepare.py has put into this folder. `run.sh` is the command.

Results are written after each thing that is known: results/all.json and results/table.md."""
from __future__ import annotations

import argparse
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import building
import checking
import kernels
import products
import report
import timing
import training
from common import BUILD, DATA, PLAN, RESULTS, ROOT, Clock, Results, run, say

# In this order, each for so many minutes at most: what is short and tells most comes first.
PARTS = {"numbers": 3, "bits": 3, "timing": 8, "products": 3, "memory": 2, "kernels": 3, "training": 4, "sanitizers": 6}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, such as numbers,timing: {', '.join(PARTS)}")
    parser.add_argument("--workloads", default="", help="of timing: W1,W6")
    parser.add_argument("--minutes", type=float, default=25, help="for everything (25)")
    parser.add_argument("--dry", action="store_true", help="without a device: compiles everything for sm_90 and runs small sizes on the CPU")
    parser.add_argument("--no-sm90", action="store_true", help="with --dry: compiles nothing for sm_90")
    parser.add_argument("--out", type=pathlib.Path, help="copies the table and the JSON file into this folder, too")
    options = parser.parse_args()
    options.parts = options.only.split(",") if options.only else list(PARTS)
    if unknown := [p for p in options.parts if p not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return options


def describe(dry: bool) -> dict:
    """The device, the driver, the compilers, when."""
    machine = {"when": time.strftime("%Y-%m-%d %H:%M"), "g++": run([building.CXX, "--version"], 20).output.splitlines()[0]}
    nvcc = building.find_nvcc()
    machine["nvcc"] = run([nvcc, "--version"], 20).output.strip().splitlines()[-1] if nvcc else "not found"
    if dry:
        return {"device": "none: CUDA on the CPU, its times mean nothing", **machine}
    asked = run(["nvidia-smi", "--query-gpu=name,compute_cap,driver_version,memory.total,clocks.sm", "--format=csv,noheader"], 30)
    if not asked.ok:
        raise SystemExit(f"error: no device: nvidia-smi: {asked.why()}; --dry needs none")
    name, capability, driver, memory, clock = [part.strip() for part in asked.output.strip().splitlines()[0].split(",")]
    return {"device": name, "capability": capability, "driver": driver, "memory": memory, "clock": clock, **machine}


def wanted_jobs(toolchain: building.Toolchain, parts: list[str], dry: bool) -> dict[str, building.Job]:
    """What the parts need, by name."""
    jobs = {}
    for model in PLAN["models"].values():
        folder, name, use = model["folder"], model["name"], model["use"]
        if use == "check" and {"numbers", "bits", "training", "sanitizers"} & set(parts):
            if model["target"] == "cuda":
                if "numbers" in parts or "sanitizers" in parts or name in ("imdb", "reuters", "boston", "mnist_convnet", "imdb_lstm"):
                    jobs[f"check/{name}"] = toolchain.program(folder, name)
            elif "numbers" in parts:
                jobs[f"check/{name}-cpu"] = toolchain.cpu_program(folder, name)
        if use == "time" and "kernels" in parts and (not dry or name in ("boston", "mlp")):
            jobs[f"timed/{name}-{model['fuse']}"] = toolchain.program(folder, name)
        if use == "time" and "timing" in parts and (not dry or model["workload"] in PLAN["dry_workloads"]):
            jobs[f"library/{name}-{model['fuse']}"] = toolchain.library(folder, name)
        if use in ("products", "memory") and use in parts and (not dry or model.get("size", 0) <= PLAN["smallest_product"]):
            jobs[folder] = toolchain.launches(folder, name)
    return jobs


def main() -> None:
    options = arguments()
    clock, results = Clock(60 * options.minutes), Results(RESULTS / "all.json", options.parts if options.only else [])
    results.all["machine"] = machine = describe(options.dry)
    results.begin("build")
    toolchain = building.Toolchain(options.dry, machine.get("capability", "9.0").replace(".", ""))
    if not options.dry and not toolchain.nvcc:
        raise SystemExit("error: no nvcc: set CUDACXX to it")
    say(f"building for {machine['device']}")
    began = time.monotonic()
    clock.begin_part(600 if not options.dry else 3600)
    built = building.build(toolchain, wanted_jobs(toolchain, options.parts, options.dry), clock, results)
    results.set("build", "seconds", round(time.monotonic() - began, 1))
    if options.dry and not options.no_sm90:
        say("compiling everything for sm_90")
        building.compile_for_devices(toolchain, clock, results)
    for part in options.parts:
        say(part)
        results.begin(part)
        clock.begin_part(60 * PARTS[part])
        play(part, options, built, clock, results)
        (RESULTS / "table.md").write_text(report.markdown(results.all))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for file in ("all.json", "table.md"):
            shutil.copy(RESULTS / file, options.out / file)
    print(report.markdown(results.all))
    print(f"{RESULTS / 'all.json'}: {(RESULTS / 'all.json').stat().st_size} bytes")
    # A figure that is out of its bounds is a result; a number that is wrong is a failure.
    wrong = sum("problem" in v for part in ("numbers", "bits", "sanitizers") for v in results.all.get(part, {}).values())
    raise SystemExit(1 if wrong or results.all["build"]["failed"] else 0)


def play(part: str, options: argparse.Namespace, built: dict, clock: Clock, results: Results) -> None:
    dry = options.dry
    if part == "timing":
        timing.timing(built, dry, clock, results, options.workloads.split(",") if options.workloads else [])
    else:
        {"numbers": checking.numbers, "bits": checking.bits, "sanitizers": checking.sanitizers, "training": training.train,
         "products": products.products, "memory": products.memory, "kernels": kernels.kernels}[part](built, dry, clock, results)


if __name__ == "__main__":
    main()
