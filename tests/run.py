#!/usr/bin/env python3
"""Runs every test program of both builds and says what passed: unit tests, scripts, then end to end."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(TOP)


def run(command, env=None):
    """Exit code and output; a test that hangs is a failure, not a wait."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=600, env={**os.environ, **(env or {})})
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") + "\ntimed out after 600 s\n"


def count(output, code):
    """(passed, failed) of one program, from its own closing lines: cmocka's, unittest's or 'N passed, N failed'."""
    plain = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
    scripts = re.search(r"^(\d+) (?:scripts|seeds), (\d+) failed$", output, re.M)
    if scripts:
        plain = [(int(scripts[1]) - int(scripts[2]), int(scripts[2]))]
    if plain:
        passed, failed = (sum(int(n) for n in column) for column in zip(*plain))
    else:
        passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
        failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", output))
    if code != 0 and failed == 0:
        failed = 1  # it crashed, or never got to say
    if passed + failed == 0:
        failed = 1  # a program that runs no test proves nothing
    return passed, failed


def suite(name, command, env=None):
    code, output = run(command, env)
    passed, failed = count(output, code)
    print(f"{'ok    ' if failed == 0 else 'FAILED'} {name}: {passed} passed, {failed} failed", flush=True)
    if failed:
        print(output, flush=True)
    return passed, failed


def programs(build):
    folder = os.path.join(build, "tests/unit")
    sources = sorted(f[:-2] for f in os.listdir("tests/unit") if re.fullmatch(r"test_\w+\.c", f))
    scripts = sorted(os.path.join("tests/scripts", f) for f in os.listdir("tests/scripts") if f.endswith(".pkt"))
    for name in sources:
        yield f"{folder}/{name}", [os.path.join(folder, name)], None
    yield f"{build} scripts", [os.path.join(build, "tests/script/script"), *scripts], None
    seeds, states = ("500", "50000") if build == "build" else ("100", "5000")
    yield f"{build} simulator", [os.path.join(build, "tests/sim/sim"), "-n", seeds], None
    yield f"{build} exploration", [os.path.join(build, "tests/sim/explore"), "-n", states], None
    yield f"{build} fuzz corpus", [os.path.join(build, "tests/fuzz/replay"), "tests/fuzz/corpus"], None


def main():
    jobs = [job for build in ("build", "build/san") for job in programs(build)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: suite(*job), jobs))
    for build, scale in (("build", "1"), ("build/san", "0.1")):
        results.append(suite(f"{build} end to end", [sys.executable, "tests/e2e/run.py"],
                             {"GLASS": os.path.abspath(f"{build}/glass"), "E2E_SCALE": scale}))
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
