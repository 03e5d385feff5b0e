"""The parts of the benchmark on a device that need neither a device nor time: parts_test.py TOOL FOLDER."""
from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import building
import common
import kernels
import report
import training
from common import Clock, Results, run

try:
    import numpy
except ImportError:
    numpy = None

TOOL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])


class Commands(unittest.TestCase):

    def test_how_a_command_ended(self):
        self.assertTrue(run(["true"], 10).ok)
        failed = run(["sh", "-c", "echo first; echo last; exit 3"], 10)
        self.assertEqual((failed.status, failed.why()), (3, "last"))
        slow = run(["sleep", "20"], 0.2)
        self.assertEqual((slow.status, slow.ok), (None, False))
        self.assertIn("stopped after", slow.why())

    def test_a_part_ends_with_the_whole(self):
        clock = Clock(5)
        clock.begin_part(100)
        self.assertLessEqual(clock.left(), 5)
        clock.begin_part(-1)
        self.assertTrue(clock.over())


class ResultsOfRuns(unittest.TestCase):

    def test_other_parts_keep_what_they_had(self):
        path = FOLDER / "results" / "all.json"
        path.unlink(missing_ok=True)
        first = Results(path, [])
        first.set("numbers", "imdb", {"ok": True})
        second = Results(path, ["memory"])
        second.begin("memory")
        second.set("memory", "softmax", {"skipped": "no device"})
        self.assertEqual(json.loads(path.read_text()), {"numbers": {"imdb": {"ok": True}}, "memory": {"softmax": {"skipped": "no device"}}})
        self.assertEqual(Results(path, []).all, {})


class Builds(unittest.TestCase):

    def job(self, name: str, text: str, needs=()) -> building.Job:
        output = common.BUILD / "test" / name
        return building.Job(output, ["sh", "-c", f"{text} > '{output}'"], [], list(needs))

    def test_what_needs_something_broken_is_not_made(self):
        good, bad = self.job("good", "echo 1"), self.job("bad", "echo no such thing >&2; false")
        both, one = self.job("both", "echo 2", [good, bad]), self.job("one", "echo 3", [good])
        builder = building.Builder(Clock(20))
        builder.build([both, one])
        self.assertEqual(builder.failed, {bad.output: "no such thing", both.output: "bad could not be made"})
        self.assertEqual(one.output.read_text(), "3\n")
        self.assertFalse(bad.output.exists())
        self.assertEqual(run(["no-such-command"], 1).status, 127)

    def test_a_source_that_is_newer_is_compiled_again(self):
        source, job = common.BUILD / "test" / "source", self.job("made", "echo 1")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("")
        (common.ROOT / "plan.json").touch()
        job.sources.append(source)
        time.sleep(0.05)
        building.Builder(Clock(20)).build([job])
        time.sleep(0.05)
        made = job.output.stat().st_mtime_ns
        building.Builder(Clock(20)).build([job])
        self.assertEqual(job.output.stat().st_mtime_ns, made)
        time.sleep(0.05)
        source.write_text("")
        building.Builder(Clock(20)).build([job])
        self.assertGreater(job.output.stat().st_mtime_ns, made)


class Figures(unittest.TestCase):

    def test_bounds(self):
        one = training.TRAININGS[-1]
        self.assertEqual([one.in_bounds(v) for v in (2.0, 2.1, 3.1, 3.2)], [False, True, True, False])

    def test_limits_of_kernels(self):
        machine = {"l2_bytes": 100, "peaks": {"f32": 1e9, "l2": 1e9, "memory": 1e8}}
        kernel = dict(read=30, written=20, touched=50, flops=10)
        for change, name, us in (({}, "L2", 0.05), ({"touched": 51}, "memory", 0.5), ({"flops": 1000}, "FMA", 1)):
            limit, least = kernels.limit_of({**kernel, **change}, machine)
            self.assertEqual(limit, name)
            self.assertAlmostEqual(least, us)

    def test_the_table_has_what_went_wrong_and_what_was_not_measured(self):
        text = report.markdown({
            "machine": {"device": "some"}, "build": {"seconds": 3, "failed": {"check/a": "no"}},
            "numbers": {"imdb": {"ok": True}, "mnist": {"problem": "weights | differ"}, "boston": {"skipped": "no time was left"}},
            "training": {"IMDB": {"value": 0.5, "seeds": 1, "seconds": 2, "least": 0.87, "most": None, "cpu": "0.88", "ok": False}},
            "timing": {"W3": {"title": "Boston", "unit": "step", "ratio": 2.5, "best_rival": "jax", "contestants": {
                "hornfels": {"title": "Hornfels", "median_us": 2.0, "least_us": 1.5},
                "jax": {"title": "JAX", "median_us": 5.0, "least_us": 5.0}, "torch": {"title": "PyTorch", "skipped": "no Python with torch"}}},
                "W4": {"skipped": "no time was left"}},
            "products": {"512, fp32": {"ours_tflops": 1.0, "ours_us": 3.0, "library": "not there"}, "4096, fp32": {"problem": "not built"}},
            "memory": {"softmax": {"us": 1.0, "megabytes": 1.0, "gb_s": 1e3, "copy_gb_s": 2e3, "share": 0.5}},
            "kernels": {"W1": {"skipped": "no time was left"}}})
        for part in ("not built: check/a", "1 of 2 right (imdb)", "WRONG: weights / differ", "not measured: no time was left", ">= 0.87",
                     "OUT OF BOUNDS", "2.50 times the best rival", "| JAX | 5.0 us | 5.0 us | 2.50 |", "no Python with torch", "not there",
                     "| 50 % |", "WRONG: not built"):
            self.assertIn(part, text)


@unittest.skipIf(numpy is None, "no numpy")
class Rows(unittest.TestCase):

    def test_rows_of_ids(self):
        from rows import first_rows, padded_ids
        from workloads import Data
        data = Data(3, None, numpy.array([5, 6, 7, 8], numpy.uint16), numpy.array([0, 2, 2, 4]), numpy.zeros((3, 1), numpy.float32))
        self.assertEqual(padded_ids(data, 9).tolist(), [[5, 6], [9, 9], [7, 8]])
        two = first_rows(data, 2)
        self.assertEqual((two.rows, two.ids.tolist(), two.offsets.tolist(), len(two.y)), (2, [5, 6], [0, 2, 2], 2))
        self.assertIs(first_rows(data, None), data)
        self.assertEqual(padded_ids(two, 9).tolist(), [[5, 6], [9, 9]])


class Prepared(unittest.TestCase):

    def prepare(self, folder: pathlib.Path) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-B", HERE / "prepare.py", folder, "--tool", TOOL, "--smallest"], capture_output=True, text=True)

    def test_a_folder_for_another_machine(self):
        folder = FOLDER / "prepared"
        for _ in range(2):  # the second replaces what the first wrote
            done = self.prepare(folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        plan = json.loads((folder / "plan.json").read_text())
        for model in plan["models"].values():
            source = folder / "models" / model["folder"] / f"{model['name']}.{'cu' if model['target'] == 'cuda' else 'cpp'}"
            self.assertTrue(source.is_file(), source)
            self.assertFalse((source.parent / "runtime").exists())
        for file in ("runtime/device/bench.cu", "runtime/program/main.cpp", "bench/cuda/main.py", "bench/contestant.py", "bench/cuda/native/launches.cu"):
            self.assertTrue((folder / file).is_file(), file)
        outcome = run([folder / "run.sh", "--only", "numbers"], 60, {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable})
        self.assertEqual(outcome.status, 1)
        self.assertIn("error: no device: nvidia-smi", outcome.output)

    def test_a_stranger_s_folder_is_not_replaced(self):
        folder = FOLDER / "strange"
        folder.mkdir(exist_ok=True)
        (folder / "mine").write_text("1")
        self.assertNotEqual(self.prepare(folder).returncode, 0)
        self.assertTrue((folder / "mine").exists())


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    common.ROOT, common.BUILD, building.ROOT, building.BUILD = FOLDER, FOLDER / "build", FOLDER, FOLDER / "build"
    unittest.main(argv=sys.argv[:1])
