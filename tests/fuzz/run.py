#!/usr/bin/env python3
"""Runs libFuzzer on every target for some seconds, two at a time: run.py BUILD SECONDS [TARGET...]

Starts from tests/fuzz/corpus, and from what earlier runs found (BUILD/tests/fuzz/found). Any finding is a failure:
a crash, an assertion, a sanitizer's report, a leak, too much memory, or an input that takes too long. What it takes
to see it again is printed."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RSS_MB = 1024      # of one fuzzer, its own records included: more is a stack without bounds
INPUT_SECONDS = 10
LONGEST = {"http": 20000, "replay": 8192, "options": 200, "fragment": 512, "segment": 512, "icmp": 512, "calls": 1024}
LONGEST_DEFAULT = 2048


def play(build, target, seconds):
    """(inputs executed, what was found or None) of one target."""
    found = os.path.join(build, "tests/fuzz/found", target)
    os.makedirs(found, exist_ok=True)
    program = os.path.join(build, "tests/fuzz/libfuzzer", target)
    prefix = os.path.join(build, f"tests/fuzz/finding-{target}-")
    command = [program, f"-max_total_time={seconds}", f"-max_len={LONGEST.get(target, LONGEST_DEFAULT)}",
               f"-rss_limit_mb={RSS_MB}", f"-timeout={INPUT_SECONDS}", f"-artifact_prefix={prefix}",
               "-print_final_stats=1", "-reload=0", "-entropic=0", found, f"tests/fuzz/corpus/{target}"]
    env = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=16:malloc_context_size=5"}
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=2 * seconds + 300, env=env)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace"), 124
    counts = re.findall(r"number_of_executed_units: (\d+)", output)
    counts += re.findall(r"^#(\d+)\s", output, re.M)[-1:]
    inputs = int(counts[0]) if counts else 0
    if code == 0 and inputs > 0:
        return inputs, None
    written = re.findall(r"Test unit written to (\S+)", output)
    lines = [line for line in output.splitlines() if not re.match(r"^#\d+\s", line)]
    return inputs, "\n".join(lines[-60:] + [f"again: {program} {' '.join(written)}",
                                            f"told: TRACE=1 build/tests/fuzz/replay {target} {' '.join(written)}"])


def main():
    os.chdir(TOP)
    build, seconds = sys.argv[1], int(sys.argv[2])
    targets = sys.argv[3:]
    print(f"{seconds} s for each of {len(targets)} targets, two at a time", flush=True)
    total, failed = 0, 0

    def one(target):
        inputs, finding = play(build, target, seconds)
        print(f"{'FOUND ' if finding else 'ok    '} {target}: {inputs} inputs", flush=True)
        if finding:
            print(finding, flush=True)
        return inputs, finding is not None

    with ThreadPoolExecutor(2) as pool:
        for inputs, bad in pool.map(one, targets):
            total, failed = total + inputs, failed + bad
    print(f"{total} inputs, {failed} targets with a finding")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
