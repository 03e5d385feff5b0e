"""A contestant's process, seen from the outside."""
from __future__ import annotations

import json
import os
import pathlib
import select
import subprocess
import tempfile
from contextlib import suppress

from contestants import Entry, thread_settings
from workloads import HERE, Workload


class Gone(Exception):
    """The process ended or did not answer; the message says why."""


class Worker:
    """Starts a contestant for a workload and waits until it is ready."""

    patience = 900  # seconds for an answer: compilers among the rivals may take long

    def __init__(self, entry: Entry, workload: Workload, cache: pathlib.Path, environment: dict[str, str],
                 cores: list[int], nice: int):
        self.entry = entry
        self.errors = tempfile.TemporaryFile("w+")
        settings = {**os.environ, **thread_settings(workload.threads), **environment,
                    **{name: value.format(cache=cache) for name, value in entry.environment.items()}}
        python = "/usr/bin/python3" if entry.python == "debian" else str(cache / entry.python / "bin" / "python3")
        command = ["nice", "-n", str(nice), "taskset", "-c", ",".join(map(str, cores[:workload.threads])), python,
                   str(HERE / "contestant.py"), entry.module, entry.kind, json.dumps(entry.options), workload.key]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env=settings, cwd=HERE, start_new_session=bool(nice))
        if nice:
            # Linux shares processors between sessions first: a priority counts only inside one.
            with suppress(OSError):
                pathlib.Path(f"/proc/{self.process.pid}/autogroup").write_text(str(nice))
        try:
            self.ready = self._answer()
        except Gone:
            self.close()
            raise

    def ask(self, **request) -> dict:
        """Sends a request and waits for its answer."""
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(OSError):  # what was not read any more
                file.close()

    def _answer(self) -> dict:
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            raise Gone(f"no answer in {self.patience} s")
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        raise Gone(lines[-1] if lines else f"ended with status {self.process.returncode}")
