"""Puts all that main.py needs into a folder: generated sources, data, the scripts. Needs the tool `hornfels`; the machine
with the device does not.

    prepare.py --tool HORNFELS OUTDIR
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

WORKLOADS = {"W1": "models/imdb.horn", "W2": "models/reuters.horn", "W3": "tests/bench/models/boston.horn",
             "W4": "tests/bench/models/convnet.horn", "W5": "tests/bench/models/mlp.horn",
             "W6a": "tests/bench/models/lstm_32.horn", "W6b": "tests/bench/models/lstm_64.horn", "W6c": "tests/bench/models/lstm_128.horn"}
PRODUCTS, MATHS = (512, 1024, 2048, 4096), ("fp32", "tf32", "bf16")

PRODUCT = """# A product of matrices with bias and relu.
model product_{n}(x: real[{n}]) -> y {{
    y = x |> dense({n}, relu, bias_initializer = random_uniform)
}}

train product_{n} {{
    optimizer  = sgd(0.1)
    loss       = mse
    batch_size = {n}
}}
"""
# Name: source, step, batch on a device and on the CPU. Each moves hundreds of megabytes.
MEMORY = {
    "softmax_rows": ("model softmax_rows(x: real[1000]) -> y {\n    y = softmax(x)\n}\n", "predict", 131072, 20),
    "softmax_wide": ("model softmax_wide(x: real[32768]) -> y {\n    y = softmax(x)\n}\n", "predict", 4096, 3),
    "elements": ("model elements(x: real[4096], z: real[4096]) -> y {\n"
                 "    y = tanh(x) * sigmoid(z) + relu(x - z)\n}\n", "predict", 16384, 4),
    "rmsprop_sweep": ("model rmsprop_sweep(x: real[8192]) -> y {\n    y = x |> dense(8192)\n}\n", "train", 16, 0),
    "adam_sweep": ("model adam_sweep(x: real[8192]) -> y {\n    y = x |> dense(8192)\n}\n", "train", 16, 0),
}
DATA_SETS = ("imdb", "reuters", "boston", "mnist")


def training_of(name: str, batch: int) -> str:
    optimizer = "adam(0.001)" if name.startswith("adam") else "rmsprop(0.001)"
    return f"\ntrain {name} {{\n    optimizer  = {optimizer}\n    loss       = mse\n    batch_size = {batch}\n}}\n"


class Preparation:

    def __init__(self, tool: str, out: pathlib.Path):
        self.tool, self.out = tool, out
        self.models: dict[str, dict] = {}

    def emit(self, source: pathlib.Path, folder: str, options: list[str], entry: dict) -> None:
        """Sources of a model; the runtime, which is the same for all, lies at the top."""
        target = self.out / "models" / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([self.tool, "emit", source, "-o", target, "--force", *options], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{source}: {done.stderr}")
        runtime, cuda = target / "runtime", "--target=cuda" in options
        if cuda and not (self.out / "runtime").exists():
            shutil.move(runtime, self.out / "runtime")
        shutil.rmtree(runtime, ignore_errors=True)
        name = next(target.glob("*.hpp")).stem
        self.models[folder] = {"name": name, "folder": folder, "target": "cuda" if cuda else "cpu", **entry}

    def all_models(self, smallest: bool) -> None:
        written = self.out / "horn"
        written.mkdir()
        checked = sorted((ROOT / "models").glob("*.horn"), key=lambda p: p.stat().st_size)
        if smallest:  # as the test of these scripts does
            checked = [ROOT / "models/boston.horn"]
        for model in checked:
            self.emit(model, f"check/{model.stem}", ["--target=cuda"], {"use": "check"})
            self.emit(model, f"check/{model.stem}-cpu", ["--cpu=x86-64-v3"], {"use": "check"})
        for key, model in WORKLOADS.items():
            for fuse in ("all", "none"):
                if not smallest or key == "W3":
                    path = ROOT / model
                    self.emit(path, f"timed/{path.stem}-{fuse}", ["--target=cuda", "--laps", f"--fuse={fuse}"],
                              {"use": "time", "workload": key, "fuse": fuse})
        for size in (16,) if smallest else PRODUCTS:
            path = written / f"product_{size}.horn"
            path.write_text(PRODUCT.format(n=size))
            for math in MATHS:
                self.emit(path, f"products/product_{size}-{math}", ["--target=cuda", "--laps", f"--math={math}"],
                          {"use": "products", "size": size, "math": math})
        for name, (text, step, batch, dry_batch) in MEMORY.items():
            if smallest and step == "train":
                continue
            path = written / f"{name}.horn"
            path.write_text(text + training_of(name, batch))
            self.emit(path, f"memory/{name}", ["--target=cuda", "--laps"],
                      {"use": "memory", "step": step, "batch": batch, "dry_batch": dry_batch or batch})

    def copy_scripts(self) -> None:
        bench = self.out / "bench"
        shutil.copytree(HERE.parent, bench, ignore=shutil.ignore_patterns("__pycache__", "*.md", "models", "requirements"))
        shutil.copy(HERE / "device_run.sh", self.out / "run.sh")
        (self.out / "run.sh").chmod(0o755)

    def copy_data(self, fetch: bool) -> list[str]:
        """The sets that there are: in HORNFELS_DATA, else where the tool keeps them, or fetches them to."""
        (self.out / "data").mkdir()
        found = []
        for name in DATA_SETS:
            folder = os.environ.get("HORNFELS_DATA")
            path = pathlib.Path(folder) / f"{name}.npz" if folder else None
            if not path and fetch:
                asked = subprocess.run([self.tool, "data", name], capture_output=True, text=True)
                path = pathlib.Path(asked.stdout.strip()) if not asked.returncode else None
            if path and path.is_file():
                shutil.copy(path, self.out / "data" / f"{name}.npz")
                found.append(name)
        return found

    def copy_zlib(self) -> None:
        """zlib's headers and its static library: a machine without them can still read .npz files."""
        header = pathlib.Path("/usr/include/zlib.h")
        configuration = next((p for p in (pathlib.Path("/usr/include/zconf.h"), pathlib.Path("/usr/include/x86_64-linux-gnu/zconf.h"))
                              if p.exists()), None)
        library = next(pathlib.Path("/usr/lib").rglob("libz.a"), None)
        if header.exists() and configuration and library:
            (self.out / "third").mkdir()
            for file in (header, configuration, library):
                shutil.copy(file, self.out / "third" / file.name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="prepare.sh", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="a folder; what this script wrote there before is replaced")
    parser.add_argument("--tool", default=str(ROOT / "build/release/bin/hornfels"))
    parser.add_argument("--smallest", action="store_true", help="a few small models, to try the scripts")
    options = parser.parse_args()
    out = options.out.resolve()
    if out.exists() and any(out.iterdir()):
        if not (out / "horn").is_dir():
            raise SystemExit(f"{out} is not empty and was not written by this script")
        for name in ("models", "runtime", "bench", "data", "third", "horn", "run.sh", "plan.json"):
            path = out / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    preparation = Preparation(options.tool, out)
    preparation.all_models(options.smallest)
    preparation.copy_scripts()
    preparation.copy_zlib()
    data = preparation.copy_data(not options.smallest)
    workloads = {key: {"name": pathlib.Path(path).stem} for key, path in WORKLOADS.items() if not options.smallest or key == "W3"}
    plan = {"models": preparation.models, "workloads": workloads, "data": data, "dry_workloads": ["W1", "W3"],
            "smallest_product": 16 if options.smallest else 512}
    (out / "plan.json").write_text(json.dumps(plan, indent=1))
    size = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
    print(f"{out}: {len(preparation.models)} models, data: {', '.join(data) or 'none'}; {size / 1e6:.0f} MB. There: {out}/run.sh")


if __name__ == "__main__":
    main()
