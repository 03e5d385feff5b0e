"""The benchmark's parts without rivals: parts_test.py TOOL FOLDER.

Gradients of the plain numpy reference against differences, rows on words against the matrix, who is refused, the
table; then the whole command on small synthetic data, where generated code has to agree with the reference.
"""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import unittest
from types import SimpleNamespace

import numpy as np

import reference
import run
import table
import workloads
from contestants import OURS, RIVALS, Entry
from worker import Gone, Worker
from workloads import WORKLOADS

TOOL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])


def write_data(folder: pathlib.Path) -> None:
    """Sets of the real ones' form: more rows than are held out, labels that can be learned."""
    random = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows, classes in (("imdb", 10600, 2), ("reuters", 1600, 46)):
        lengths = random.integers(5, 40, rows)
        values = random.integers(1, 10000, lengths.sum()).astype(np.uint16)
        np.savez(folder / f"{name}.npz", x_train_values=values, y_train=random.integers(0, classes, rows).astype(np.int32),
                 x_train_offsets=np.concatenate([[0], np.cumsum(lengths)]))
    x = random.standard_normal((50, 13)).astype(np.float32)
    np.savez(folder / "boston.npz", x_train=x, y_train=20 + x.sum(1))
    np.savez(folder / "mnist.npz", x_train=random.integers(0, 256, (300, 28, 28)).astype(np.uint8),
             y_train=random.integers(0, 10, 300).astype(np.uint8))


class Reference(unittest.TestCase):

    def test_gradient_of_each_loss(self):
        random = np.random.default_rng(1)
        for key in ("W1", "W3", "W5"):
            workload = WORKLOADS[key]
            width = workload.widths[-1]
            z = random.standard_normal((4, width))
            y = {"binary": random.integers(0, 2, (4, 1)), "squares": random.standard_normal((4, 1)),
                 "classes": random.integers(0, width, 4)}[workload.loss]
            at = lambda z: reference.loss_and_gradient(workload, y, reference.activate(z, workload.last))
            step = 1e-6 * random.standard_normal(z.shape)
            difference = at(z + step)[0] - at(z - step)[0]
            self.assertAlmostEqual(difference, 2 * np.sum(at(z)[1] * step), delta=1e-10, msg=key)

    def test_losses_fall_and_differ_by_epsilon(self):
        workload = WORKLOADS["W3"]
        inside, outside = (reference.losses(workload, workloads.load(workload), workloads.first_weights(workload), 3,
                                            e)[0] for e in (True, False))
        self.assertLess(inside[2], inside[0])
        self.assertNotEqual(inside, outside)


class Rows(unittest.TestCase):

    def test_words_are_the_rows_of_the_matrix(self):
        data = workloads.load(WORKLOADS["W2"])
        index = np.array([17, 3, 599, 3])
        ids, lengths = workloads.words_of(data.ids, data.offsets, index)
        matrix = np.zeros((4, 10000), np.float32)
        matrix[np.repeat(np.arange(4), lengths), ids] = 1
        np.testing.assert_array_equal(matrix, data.dense(10000)[index])

    def test_names(self):
        self.assertEqual([w.key for w in workloads.choose("W7,W5")], ["W7a", "W7b", "W7c", "W5", "W5t2"])
        with self.assertRaises(SystemExit):
            workloads.choose("W77")


class Refusals(unittest.TestCase):
    """Who does not compute the workload is not timed."""

    def match(self, key: str) -> run.Match:
        return run.Match(WORKLOADS[key], SimpleNamespace(), {})

    def test_losses(self):
        match = self.match("W3")
        right, batches = reference.losses(match.workload, match.data, match.weights, run.CHECKED_EPOCHS)
        first = batches[:3]
        answer = lambda losses, batches: match.compare(OURS, {"losses": losses, "batches": batches,
                                                              "epsilon_inside": True})
        self.assertEqual(answer(right, first), "")
        self.assertEqual(answer(right, []), "")
        self.assertIn("epochs", answer([right[0] * 1.02, right[1]], first))
        self.assertIn("epochs", answer([right[0], float("nan")], first))
        self.assertIn("first batches", answer(right, [first[0] * 1.00005, *first[1:]]))

    def test_outputs(self):
        match, path = self.match("W9a"), FOLDER / "output.npy"
        right = reference.forward(match.workload, match.weights, match.data.x)[-1]
        for off, expected in ((0, ""), (1e-3 * right.max(), "outputs differ"), (float("nan"), "outputs differ")):
            np.save(path, right + np.float32(off))
            self.assertIn(expected, problem := match.compare(OURS, {"output": str(path)}))
            self.assertEqual(bool(problem), bool(expected))

    def test_a_contestant_that_cannot_start(self):
        entry = Entry("absent", "absent", "debian", "absent", "Absent")
        with self.assertRaisesRegex(Gone, "No module named 'rivals.absent'"):
            Worker(entry, WORKLOADS["W9a"], FOLDER, {}, sorted(os.sched_getaffinity(0)), 0)


class Table(unittest.TestCase):

    def test_durations_and_factors(self):
        self.assertEqual([table.duration(us) for us in (0.1194, 26.6, 999.6, 1140, 2.5e6)],
                         ["0.119 us", "26.6 us", "1.00 ms", "1.14 ms", "2.50 s"])
        self.assertEqual([table.factor(v) for v in (0.956, 1.16, 38.2, 436)], ["0.96x", "1.2x", "38x", "436x"])

    def test_every_rival_has_a_column(self):
        shown = {key for _, keys in table.FAMILIES for key in keys} | {"torch2-installed"}
        self.assertEqual(shown, {e.key for e in RIVALS})


class Whole(unittest.TestCase):

    def test_the_command_without_rivals(self):
        chosen = "W1,W3,W7b,W9a"  # three models: each is a build of its own
        done = subprocess.run([sys.executable, "-B", run.__file__, "--cache", FOLDER / "cache", "--tool", TOOL, "--only",
                               chosen, "--against", "none", "--rounds", "1", "--seconds", "0.01", "--output",
                               FOLDER / "bench"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        results = json.loads((FOLDER / "bench.json").read_text())
        for key, result in results["workloads"].items():
            self.assertEqual(list(result["contestants"]), ["hornfels"], f"{key}: {result['refused']}")
            self.assertGreater(result["peak"]["gflops"], 0)
        self.assertEqual(len(results["workloads"]), 4)
        self.assertIn("| Hornfels |", (FOLDER / "bench.md").read_text())


if __name__ == "__main__":
    os.environ["HORNFELS_DATA"] = str(FOLDER / "data")
    write_data(FOLDER / "data")
    unittest.main(argv=sys.argv[:1])
