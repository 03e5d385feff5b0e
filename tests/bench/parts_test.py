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

import figures
import reference
import reference_layers
import run
import table
import workloads
from contestants import OURS, RIVALS, UNFUSED, Entry
from layers import Conv, Pool
from reference_layers import activate
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
            width = workload.outputs
            z = random.standard_normal((4, width))
            y = {"binary": random.integers(0, 2, (4, 1)), "squares": random.standard_normal((4, 1)),
                 "classes": random.integers(0, width, 4)}[workload.loss]
            at = lambda z: reference.loss_and_gradient(workload, y, activate(z, workload.last))
            step = 1e-6 * random.standard_normal(z.shape)
            difference = at(z + step)[0] - at(z - step)[0]
            self.assertAlmostEqual(difference, 2 * np.sum(at(z)[1] * step), delta=1e-10, msg=key)

    def test_gradient_of_each_layer(self):
        """In a random direction of all weights, against central differences."""
        random = np.random.default_rng(2)
        for key in ("W3", "W4", "W6a"):
            workload, data = WORKLOADS[key], workloads.load(WORKLOADS[key])
            near = lambda a: a + 0.05 * random.standard_normal(a.shape)
            weights = [tuple(map(near, layer)) for layer in workloads.first_weights(workload)]
            towards = [tuple(random.standard_normal(a.shape) for a in layer) for layer in weights]
            x, y = data.x[:3].astype(np.float64), data.y[:3]
            at = lambda step: reference.gradients(
                workload, [tuple(w + step * d for w, d in zip(*pair)) for pair in zip(weights, towards)], x, y)[0]
            found = sum(np.sum(g * d) for pair in zip(reference.gradients(workload, weights, x, y)[1], towards)
                        for g, d in zip(*pair))
            self.assertAlmostEqual((at(1e-7) - at(-1e-7)) / 2e-7, found, delta=1e-5 * abs(found), msg=key)

    def test_a_convolution_is_what_its_definition_says(self):
        random = np.random.default_rng(4)
        x, kernel = random.standard_normal((2, 5, 6, 3)), random.standard_normal((3, 3, 3, 4))
        out, _ = reference_layers.forward(Conv(4, 3, "linear"), (kernel, np.zeros(4)), x)
        self.assertEqual(out.shape, (2, 3, 4, 4))
        self.assertAlmostEqual(out[1, 2, 3, 1], np.sum(x[1, 2:5, 3:6] * kernel[..., 1]), delta=1e-12)

    def test_a_pool_drops_what_is_left_over(self):
        x = np.arange(25.0).reshape(1, 5, 5, 1)
        out, kept = reference_layers.forward(Pool(2), (), x)
        np.testing.assert_array_equal(out[0, ..., 0], [[6, 8], [16, 18]])
        _, d = reference_layers.backward(Pool(2), (), kept, np.ones_like(out), False)
        self.assertEqual(sorted(x[d == 1]), [6, 8, 16, 18])
        self.assertEqual(d.sum(), 4)

    def test_work(self):
        """Forward, and the gradients of all weights and of all inputs but the first."""
        convolutions = 26 * 26 * 32 * 9 + 11 * 11 * 64 * 9 * 32 + 3 * 3 * 64 * 9 * 64
        forward = 2 * (convolutions + 576 * 64 + 64 * 10)
        self.assertEqual(WORKLOADS["W4"].flops, 128 * (3 * forward - 2 * 26 * 26 * 32 * 9))
        self.assertEqual(WORKLOADS["W7d"].flops, forward)
        self.assertEqual(WORKLOADS["W6b"].flops, 128 * 2 * (100 * (2 * 32 + 3 * 64) * 256 + 3 * 64))

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
        self.assertEqual([w.key for w in workloads.choose("W7,W5")], ["W7a", "W7b", "W7c", "W7d", "W5", "W5t2"])
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
        right = reference.forward(match.workload, match.weights, match.data.x)
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

    def test_one_row_is_kept_beside_the_others(self):
        contestant = {"title": "Hornfels", "version": "v2", "median_us": 5.0, "least_us": 4.0, "first_s": 1.0,
                      "losses": None}
        result = lambda key: {
            "title": WORKLOADS[key].title, "rounds": 3, "unit": "call", "flops": None, "peak": {}, "refused": {},
            "contestants": {"hornfels": contestant}, "build_s": 1.0, "build_processor_s": 1.0}
        machine = {"processor": "P", "family": "F", "cores": 2, "vectors": "V", "caches": {}, "system": "S",
                   "compiler": "C"}
        run_of = lambda *keys: {"machine": machine, "workloads": {key: result(key) for key in keys}}
        kept, readme = FOLDER / "figures.md", FOLDER / "README.md"
        kept.write_text(f"# Figures\n\n{table.markdown(run_of('W1', 'W7a', 'W9a'))}")
        readme.write_text("text\n\n" + "\n".join(table.overview(run_of("W1", "W7a", "W9a"))) + "\n\nmore | text\n")
        before = kept.read_text(), readme.read_text()

        contestant = contestant | {"median_us": 7.0, "version": "v3"}
        figures.keep(run_of("W4", "W7a"), kept, readme)
        after = kept.read_text(), readme.read_text()
        rows = lambda text: [line.split()[1] for line in text.splitlines() if line.startswith("| W")]
        for old, new in zip(before, after):
            self.assertEqual(rows(new), ["W1", "W4", "W7a", "W9a"])
            for key in ("W1", "W9a"):
                row = next(line for line in old.splitlines() if line.startswith(f"| {key} "))
                self.assertIn(row, new.splitlines())
            self.assertIn("one prediction, IMDB, call | 7.00 us |", new)
        self.assertEqual([line[4:7] for line in after[0].splitlines() if line.startswith("### ")],
                         ["W1:", "W4:", "W7a", "W9a"])
        self.assertIn("Versions: v2, v3.", after[0])
        self.assertTrue(after[1].endswith("\n\nmore | text\n"))
        figures.keep(run_of("W4", "W7a"), kept, readme)
        self.assertEqual((kept.read_text(), readme.read_text()), after)

        machine = machine | {"cores": 8}
        with self.assertRaisesRegex(figures.Different, "another machine"):
            figures.keep(run_of("W4"), kept, readme)

    def test_what_is_kept_is_in_order(self):
        """The files of the project: as a run writes them."""
        for file in (figures.FIGURES, figures.README):
            keys = [line.split()[1] for line in file.read_text().splitlines() if line.startswith("| W")]
            self.assertEqual(keys, [key for key in WORKLOADS if key in keys])


class Whole(unittest.TestCase):

    def test_the_command_without_rivals(self):
        chosen = "W1,W6a,W7d,W9a"  # each is a build of its own
        done = subprocess.run([sys.executable, "-B", run.__file__, "--cache", FOLDER / "cache", "--tool", TOOL, "--only",
                               chosen, "--against", "hornfels-unfused", "--rounds", "1", "--builds", "1", "--seconds",
                               "0.01", "--output", FOLDER / "bench"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        results = json.loads((FOLDER / "bench.json").read_text())
        for key, result in results["workloads"].items():
            expected = [e.key for e in (OURS, UNFUSED) if e.takes(WORKLOADS[key])]
            self.assertEqual(list(result["contestants"]), expected, f"{key}: {result['refused']}")
            self.assertGreater(result["peak"]["gflops"], 0)
        self.assertEqual(len(results["workloads"]), 4)
        self.assertIn("| Hornfels |", (FOLDER / "bench.md").read_text())


if __name__ == "__main__":
    os.environ["HORNFELS_DATA"] = str(FOLDER / "data")
    write_data(FOLDER / "data")
    unittest.main(argv=sys.argv[:1])
