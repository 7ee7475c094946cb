"""docs/gdb.md: every command of its walk is typed, and must answer as the page shows it, but for numbers."""
import re
import subprocess
import unittest

import debugger
import lab

PAGE = lab.os.path.join(lab.TOP, "docs/gdb.md")
# The last of them: a line of the source.
NOISE = re.compile(r"\[Thread debugging|Using host libthread|Starting program|Reading symbols|warning: "
                   r"|\d+\.\d+\.\d+\.\d+ - - \[|\[Attaching|\[New inferior|\[Detaching|\[Switching|\d+\t")
# Built with or without optimization, a frame's arguments and number differ.
FRAME = re.compile(r"^(?:#\d+ +)?(?:0x[0-9a-f]+ in )?(.*?)(\w+) \(.*\) at (\S+):\d+$")


def blocks(text):
    return re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S)


def entries(text):
    """Of a page: [kind, command, lines shown] in order; kind '$' or '(gdb)'. Lines at the beginning of a block go on
    with what gdb said last."""
    found = []
    for block in blocks(text):
        first = True
        for line in block.splitlines():
            prompt = re.match(r"(\$|\(gdb\)) (.*)", line)
            if prompt:
                found.append([prompt[1], prompt[2], []])
            elif first or found[-1][0] == "(gdb)":
                next(entry for entry in reversed(found) if entry[0] == "(gdb)")[2].append(line)
            else:
                found[-1][2].append(line)
                continue
            first = first and not prompt
    return found


def shape(line):
    """A line without what differs from run to run."""
    frame = FRAME.match(line)
    line = f"{frame[1]}{frame[2]} at {frame[3]}" if frame else line
    line = re.sub(r"\S*/glass\b", "glass", line)
    line = re.sub(r"0x[0-9a-f]+", "0", line)
    line = re.sub(r"\d+(\.\d+)*", "0", line)
    line = re.sub(r"\b0 (us|ms|s)\b", "0 t", line)
    return re.sub(r"\s+", " ", line).strip()


def matches(shown, said):
    """Whether what was said is what the page shows; '...' stands for any lines."""
    if not shown:
        return not said
    if shown[0] == "...":
        return any(matches(shown[1:], said[i:]) for i in range(len(said) + 1))
    return bool(said) and shape(shown[0]) == shape(said[0]) and matches(shown[1:], said[1:])


class Walk:
    """The page's commands in its order: gdb in one terminal, the others beside it."""

    def __init__(self, place):
        self.place, self.gdb, self.beside, self.told = place, None, [], False

    def glass(self, text):
        return re.sub(r"\bbuild(/debug)?/glass\b", lab.GLASS, text)

    def begin(self, words):
        self.end()
        self.gdb = debugger.Gdb(self.place, *words[1:])
        self.gdb.__enter__()

    def shell(self, text):
        words = self.glass(text).split()
        if words[0] == "gdb":
            return self.begin(words)
        if words[0] in ("make", "mkdir", "echo"):
            return None  # said of what is built, and of one's own settings
        if self.told:
            self.gdb.output.wait_for(r"is up on|Continuing")
        self.beside.append(lab.start(words, env=self.place.env, cwd=self.place.path, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return None

    def tell(self, text):
        self.gdb.tell(self.glass(text))
        self.told = True

    def answer(self):
        self.told = False
        return [line for line in self.gdb.answer() if line.strip() and not NOISE.match(line)]

    def end(self):
        if self.gdb:
            self.gdb.__exit__()
        for process in self.beside:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.beside = []


def play(page, place):
    """(command, lines shown, lines said) of every gdb command."""
    walk, waiting = Walk(place), None
    try:
        for kind, command, shown in entries(page):
            if kind == "$" and not command.startswith("gdb"):
                walk.shell(command)
                continue
            if waiting:
                yield (*waiting, walk.answer())
                waiting = None
            if kind == "$":
                walk.shell(command)
            else:
                walk.tell(command)
                waiting = command, [line for line in shown if line.strip() and not NOISE.match(line)]
        if waiting:
            yield (*waiting, walk.answer())
    finally:
        walk.end()


class Page(unittest.TestCase):
    def test_the_walk(self):
        why = debugger.works()
        if why:
            self.skipTest(why)
        with open(PAGE, encoding="utf-8") as file:
            page = file.read()
        place = lab.Place()
        lab.os.symlink(lab.os.path.join(lab.TOP, "pcaps"), place.file("pcaps"))
        self.addCleanup(place.remove)
        count = 0
        for command, shown, said in play(page, place):
            if command.startswith("bt"):  # the optimizer has its own
                shown, said = shown[:1], said[:1]
            with self.subTest(command):
                self.assertTrue(matches(shown, said), f"(gdb) {command}\n--- the page\n" + "\n".join(shown) +
                                "\n--- gdb\n" + "\n".join(said))
            count += 1
        self.assertGreater(count, 15)

    def test_every_command_is_described(self):
        with open(PAGE, encoding="utf-8") as file:
            page = file.read()
        for name in ("connections", "show", "break", "step", "segment", "history", "timers", "listeners"):
            self.assertRegex(page, rf"(?m)^\| `tcp {name}\b")


if __name__ == "__main__":
    lab.main()
