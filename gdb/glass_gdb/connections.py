"""`tcp connections`, `tcp listeners`, `tcp timers`: tables."""
import itertools

import gdb

from . import memory, stacks, text

MOST = 200  # rows, unless all are asked for
RECOVERY = ("none", "fast recovery", "after a time-out")


def queued(ring):
    return int(ring["tail"]) - int(ring["head"])


def several(all_of_them):
    """Whether to name the stacks, too."""
    return len(all_of_them) > 1


class Connections(stacks.Argument, memory.Command):
    """All connections, a line each: number, state, both ends, queues in bytes, the timer that comes first.

Usage: tcp connections [all]

Connections in TIME-WAIT are records by now: small, and with nothing in their queues. After 200 lines it stops, unless
you say `all`."""

    name = "connections"

    def run(self, arguments):
        if self.words(arguments, 1, "[all]") not in ([], ["all"]):
            raise gdb.GdbError(f"tcp connections: '{arguments[0]}' is not 'all'")
        known = stacks.all_stacks()
        found = stacks.everything(known)
        shown = list(found if arguments else itertools.islice(found, MOST))
        rows = [("#", "state", "local", "remote", "to read", "to send", "in flight", "next timer")]
        rows += [self.row(each) for each in shown]
        for line in text.table(rows, right=(0, 4, 5, 6)):
            memory.write(line)
        if not shown:
            memory.write("no connections")
        left = sum(1 for _ in found)
        if left:
            memory.write(f"and {left} more: tcp connections all")

    def row(self, found):
        now = found.stack.now()
        first = min(found.deadlines(), key=lambda timer: timer[1], default=None)
        timer = f"{first[0]} {text.due(first[1], now)}" if first else "-"
        if found.is_record:
            return found.name, found.state(), found.local(), found.remote(), 0, 0, 0, timer
        c = found.value
        flight = int(c["snd"]["nxt"]) - int(c["snd"]["una"])
        return (found.name, found.state(), found.local(), found.remote(), queued(c["rcv"]["q"]),
                queued(c["snd"]["q"]), flight, timer)


class Listeners(memory.Command):
    """All listening sockets: port, how many connections are half open and how many wait to be accepted.

Usage: tcp listeners"""

    name = "listeners"

    def run(self, arguments):
        self.words(arguments, 0, "")
        known = stacks.all_stacks()
        rows = [("local", "half open", "to accept", "backlog", "owner")]
        for stack in known:
            for sock in stack.listeners():
                listener = sock["listener"].dereference()
                addr, port = int(sock["local"]["addr"]), int(sock["local"]["port"])
                owner = f"process {int(sock['owner'])}" if int(sock["owner"]) else "-"
                rows.append((f"{text.address(addr) if addr else '*'}:{port}" +
                             (f" (stack {stack.number})" if several(known) else ""), int(listener["half"]),
                             int(listener["waiting"]), int(listener["backlog"]), owner))
        for line in text.table(rows, right=(1, 2, 3)):
            memory.write(line)
        if len(rows) == 1:
            memory.write("no listeners")


class Timers(memory.Command):
    """All timers of all connections that run, the next one first.

Usage: tcp timers"""

    name = "timers"

    def run(self, arguments):
        self.words(arguments, 0, "")
        known = stacks.all_stacks()
        timers = [(when - found.stack.now(), name, found) for found in stacks.everything(known)
                  for name, when in found.deadlines()]
        rows = [("due", "timer", "#", "state", "remote")]
        for left, name, found in sorted(timers, key=lambda timer: timer[:2])[:MOST]:
            rows.append((text.due(left, 0), name, found.name, found.state(), found.remote()))
        for line in text.table(rows):
            memory.write(line)
        if len(rows) == 1:
            memory.write("no timer runs")
        elif len(timers) > MOST:
            memory.write(f"and {len(timers) - MOST} more")


COMMANDS = (Connections, Listeners, Timers)
