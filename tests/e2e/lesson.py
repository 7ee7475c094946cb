"""Reads a lesson and does what it says.

A lesson is a page of docs/lessons. What stands in its console blocks is run, in order, in one empty folder, and must print
what the page shows:

    ```console              a command after each '$ ', then the lines it prints
    ```console stays        a command that goes on running: the lines must come; Ctrl-C ends it after the lesson
    ```console ends         what the program of the last such block has printed when it is ended by Ctrl-C now
    ```console shown        only shown: a window, another machine

For authors: `tests/e2e/lesson.py PAGE` prints what each command says.

In the shown lines '...' stands for any text, alone on a line for any number of lines; blanks count as one. A command that
fails ends with a line '[exit N]'. A table is asked for again until it shows what the page shows: what went before may take
its time.
"""
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import lab

FENCE = re.compile(r"^```console *(\w*)\n(.*?)^```$", re.M | re.S)
TABLE = re.compile(r"glass (netstat|ports)\b")
KINDS = ("", "stays", "ends", "shown")


class Step:
    def __init__(self, kind, command, expected, line):
        self.kind, self.command, self.expected, self.line = kind, command, expected, line


def steps_of(text):
    """Every command of a page with the lines that it must print."""
    found = []
    for block in FENCE.finditer(text):
        kind, lines = block[1], block[2].splitlines()
        number = text.count("\n", 0, block.start()) + 1
        if kind not in KINDS:
            raise AssertionError(f"line {number}: a console block of the kind {kind!r}")
        if kind == "ends":
            found.append(Step(kind, None, lines, number))
            continue
        if not lines or not lines[0].startswith("$ "):
            raise AssertionError(f"line {number}: a console block begins with '$ '")
        for offset, line in enumerate(lines, 1):
            if line.startswith("$ "):
                found.append(Step(kind, line[2:], [], number + offset))
            elif line.startswith("> "):  # a command that goes on
                found[-1].command += "\n" + line[2:]
            else:
                found[-1].expected.append(line)
    return found


def blanks(line):
    return " ".join(line.split())


def pattern(line):
    return re.compile(".*?".join(re.escape(part) for part in blanks(line).split("...")))


def differs(expected, actual):
    """None, or the first line of `expected` that `actual` does not have where it should."""
    actual = [blanks(line) for line in actual]
    reachable = {0}  # how many lines of `actual` may be used up so far
    for line in expected:
        if line.strip() == "...":
            reachable = set(range(min(reachable), len(actual) + 1))
            continue
        wanted = pattern(line)
        reachable = {at + 1 for at in reachable if at < len(actual) and wanted.fullmatch(actual[at])}
        if not reachable:
            return line
    return None if len(actual) in reachable else "(the end)"


class Lesson:
    """One page, run in a place of its own."""

    def __init__(self, path, tell=None):
        with open(path, encoding="utf-8") as file:
            self.steps = steps_of(file.read())
        self.tell = tell
        self.path, self.place, self.running = path, lab.Place(), []
        self.folder = self.place.file("folder")
        os.mkdir(self.folder)
        here = os.path.dirname(lab.GLASS)
        self.env = {**self.place.env, "PATH": here + ":" + self.place.env["PATH"], "HOME": self.folder,
                    "NO_COLOR": "1", "COLUMNS": "100"}

    def fail(self, step, message, output):
        shown = "\n".join(output)
        raise AssertionError(f"{self.path}:{step.line}: $ {step.command}\n{message}\n--- what it printed\n{shown}\n---")

    def output_of(self, step):
        done = lab.run(["bash", "-c", step.command + "\n"], env=self.env, cwd=self.folder, patience=60)
        output = (done.out + done.err).rstrip("\n").splitlines()
        code = done.code if done.code >= 0 else 128 - done.code  # as a shell has it
        return output if code == 0 else [*output, f"[exit {code}]"]

    def do(self, step):
        output = self.output_of(step)
        deadline = time.monotonic() + lab.PATIENCE
        while (TABLE.match(step.command) and differs(step.expected, output) is not None
               and time.monotonic() < deadline and not self.tell):
            output = self.output_of(step)
        if self.tell:
            self.tell("\n".join([f"$ {step.command}", *output]))
            return
        line = differs(step.expected, output)
        if line is not None:
            self.fail(step, f"--- this line is missing\n{line}", output)

    def begin(self, step):
        process = lab.start(["bash", "-c", "exec " + step.command], env=self.env, cwd=self.folder,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True)
        output = lab.Output(process.stdout)
        self.running.append((step, process, output))
        for line in step.expected:
            if line.strip() != "...":
                wanted = pattern(line)
                try:
                    lab.wait_until(lambda: any(wanted.fullmatch(blanks(got)) for got in list(output.lines)) or
                                   output.ended, line)
                except AssertionError:
                    pass  # what came instead says more
                if not any(wanted.fullmatch(blanks(got)) for got in output.lines):
                    self.fail(step, f"--- this line did not come\n{line}", output.lines)

    def end(self, expected=None):
        step, process, output = self.running.pop()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.wait(lab.PATIENCE)
        process.stdin.close()
        output.thread.join(lab.PATIENCE)
        if process.returncode not in (0, -signal.SIGINT):
            self.fail(step, f"--- it ended with {process.returncode}", output.lines)
        if expected is not None:
            line = differs(["...", *expected], output.lines)
            if line is not None:
                self.fail(step, f"--- this line did not come at its end\n{line}", output.lines)

    def run(self):
        try:
            for step in self.steps:
                if step.kind == "stays":
                    self.begin(step)
                elif step.kind == "ends":
                    self.end(step.expected)
                elif step.kind == "":
                    self.do(step)
            while self.running:
                self.end()
        finally:
            for _, process, _ in self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(lab.PATIENCE)
            self.place.remove()


def programs(text):
    """The commands of `glass` that a page runs."""
    return {words[1] for step in steps_of(text) if step.command
            for words in [shlex.split(step.command.splitlines()[0], comments=True) + ["", ""]] if words[0] == "glass"}


if __name__ == "__main__":
    Lesson(sys.argv[1], print).run()
