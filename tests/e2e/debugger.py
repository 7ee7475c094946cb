"""gdb as the tests use it: told one command at a time, or a script that runs to its end."""
import itertools
import os
import re
import shutil
import signal

import lab

_marks = itertools.count(1)


def works():
    """Why gdb cannot be used here; nothing when it can."""
    if not shutil.which("gdb"):
        return "gdb is not installed"
    done = lab.run(["gdb", "-batch", "-nx", "-ex", "run", "--args", shutil.which("true")])
    return "" if "exited normally" in done.out else f"gdb may not trace programs here: {done.err.strip()}"


def command(*arguments, trusted=lab.GLASS):
    """gdb with nobody's settings but ours; it may load what belongs to `trusted`."""
    settings = ["pagination off", "confirm off", "width 0", "debuginfod enabled off"]
    options = [word for setting in settings for word in ("-iex", "set " + setting)]
    folder = os.path.dirname(os.path.realpath(trusted))
    return ["gdb", "-nx", "-q", *options, "-iex", f"add-auto-load-safe-path {folder}", *arguments]


def environment(place):
    """The leak detector of the sanitizers cannot work in a process that is traced."""
    return {**place.env, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def batch(place, *arguments, patience=lab.PATIENCE, **options):
    return lab.run(command("-batch", *arguments, **options), env=environment(place), cwd=place.path,
                   patience=patience)


class Gdb:
    """A gdb that is told commands and gives their output, a list of lines. Use as a context manager."""

    def __init__(self, place, *arguments, **options):
        self.process = lab.start(command(*arguments, **options), stdin=lab.subprocess.PIPE,
                                 stdout=lab.subprocess.PIPE, stderr=lab.subprocess.STDOUT, env=environment(place),
                                 cwd=place.path)
        self.output, self.read, self.said = lab.Output(self.process.stdout), 0, None
        self.tell("set prompt")

    def __enter__(self):
        self.answer()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()  # what it runs goes with it
            self.process.wait()
        self.process.stdin.close()
        self.output.thread.join(lab.PATIENCE)

    def tell(self, text):
        """Says it without waiting: for what runs the program."""
        self.said = f"<mark {next(_marks)}>"
        self.process.stdin.write(f"{text}\necho \\n{self.said}\\n\n".encode())
        self.process.stdin.flush()

    def answer(self, patience=lab.PATIENCE):
        """What came of it, once it is done."""
        self.output.wait_for("^" + re.escape(self.said) + "$", patience)
        end = next(i for i, line in enumerate(self.output.lines) if line == self.said)
        lines, self.read = self.output.lines[self.read:end], end + 1
        return [line for line in (re.sub(r"^(\(gdb\) )+", "", line) for line in lines) if line]

    def __call__(self, text, patience=lab.PATIENCE):
        self.tell(text)
        return self.answer(patience)

    def pid(self):
        """Of the program."""
        return int(self("python print(gdb.selected_inferior().pid)")[-1])

    def interrupt(self, pid):
        """As Ctrl-C does."""
        os.kill(pid, signal.SIGINT)
        return self.answer()
