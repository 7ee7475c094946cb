#!/usr/bin/env python3
"""Runs the end-to-end tests, two files at a time.

    tests/e2e/run.py [-k PATTERN]... [FILE]...

Environment: GLASS, the program to test (build/glass); E2E_SCALE, a factor for the sizes of transfers.
"""
import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
LIMIT = 900  # seconds for all
BEGAN = time.monotonic()

# The longest first, so that the two lanes end together.
ORDER = ("test_gdb.py", "test_lessons.py", "test_bulk.py", "test_link.py", "test_lab.py", "test_replay.py", "test_http.py",
         "test_capture.py", "test_command_line.py")


def files():
    names = sorted(name for name in os.listdir(HERE) if re.fullmatch(r"test_\w+\.py", name))
    return [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]


def finish(process):
    try:
        return process.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def run_file(name, patterns):
    """Passed, failed; prints what the file's tests said."""
    command = [sys.executable, "-B", os.path.join(HERE, name), "-v"]
    for pattern in patterns:
        command += ["-k", pattern]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, late = process.communicate(timeout=max(1, BEGAN + LIMIT - began))[0], ""
    except subprocess.TimeoutExpired:
        process.terminate()  # it ends what it started
        output, late = finish(process), f"\n{name}: not done {LIMIT} s after the first began\n"
    text = output.decode(errors="replace") + late
    ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests? in", text, re.M))
    verdict = re.findall(r"^(?:OK|FAILED)(?: \((.*)\))?$", text, re.M)
    counts = dict(re.findall(r"(\w+)=(\d+)", verdict[-1])) if verdict else {}
    failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
    if process.returncode != 0 and failed == 0 and not (patterns and ran == 0):
        failed = 1  # it could not even say so
    skipped = int(counts.get("skipped", 0))
    print(f"--- {name}: {time.monotonic() - began:.1f} s\n{text}", flush=True)
    return max(0, ran - failed - skipped), failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", action="append", default=[], metavar="PATTERN", help="only tests whose name matches")
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these files")
    options = parser.parse_args()
    names = [os.path.basename(name) for name in options.files] or files()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: run_file(name, options.k), names))
    passed, failed, skipped = (sum(column) for column in zip(*results))
    if passed + failed + skipped == 0:
        print("no test has such a name")
        failed = 1
    if skipped:
        print(f"{skipped} skipped: see above")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
