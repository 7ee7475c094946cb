"""`tcp break`: stops when a connection goes from one state to another."""
import fnmatch

import gdb

from . import memory, stacks, text

STATES = ("CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
          "CLOSING", "LAST-ACK", "TIME-WAIT")


def matching(pattern):
    """The states that a name or a pattern with * means."""
    plain = pattern.upper().replace("_", "-").removeprefix("TCP-")
    found = [state for state in STATES if fnmatch.fnmatchcase(state, plain)]
    if not found:
        raise gdb.GdbError(f"'{pattern}' is no state: " + ", ".join(STATES) + "; * stands for any")
    return found


def arrows():
    """The legal transitions as (from, to), from the program's own table."""
    symbol = gdb.lookup_static_symbol("arrows")
    if symbol is None:
        return [(source, target) for source in STATES for target in STATES]
    table = symbol.value()
    return [(source, target) for i, source in enumerate(STATES) for j, target in enumerate(STATES)
            if int(table[i]) >> j & 1]


class Transition(gdb.Breakpoint):
    """Where the states change: tcp_set_state for a connection, timewait_delete for what is left in TIME-WAIT."""

    def __init__(self, function, wanted, connection):
        super().__init__(function=function)
        self.wanted, self.connection = wanted, connection

    def change(self, frame):
        """(number of the connection, from, to, rule) of the transition that is about to happen."""
        if frame.name() == "timewait_delete":
            return int(frame.read_var("tw")["id"]), "TIME-WAIT", "CLOSED", frame.read_var("why")
        c = memory.readable(frame.read_var("c"), "the connection")
        to = memory.readable(frame.read_var("next"), "the next state")
        return int(c["id"]), text.state(c["state"]), text.state(to), frame.read_var("why")

    def stop(self):
        number, source, target, why = self.change(gdb.newest_frame())
        if (source, target) not in self.wanted or self.connection not in (None, number):
            return False
        rule = "" if why.is_optimized_out else text.rule(why)
        memory.write(f"connection {number}: {source} -> {target}" + (f"   {rule}" if rule else ""))
        return True


class Break(memory.Command):
    """Stop the program when a connection goes from one state to another.

Usage: tcp break FROM TO [CONN]

The states are named as in RFC 9293, * stands for any: tcp break * CLOSED. With CONN, a number, only for that
connection. It is a breakpoint like others: `info breakpoints`, `delete`, `disable`, `ignore` work on it."""

    name = "break"

    def run(self, arguments):
        usage = "FROM TO [CONN]"
        words = self.words(arguments, 3, usage)
        if len(words) < 2:
            raise gdb.GdbError(f"tcp break: usage: tcp break {usage}")
        sources, targets = matching(words[0]), matching(words[1])
        connection = None
        if len(words) == 3:
            parsed = stacks.parse_name(words[2])
            if not parsed:
                raise gdb.GdbError(f"tcp break: '{words[2]}' is not a connection's number")
            connection = parsed[1]
        wanted = {arrow for arrow in arrows() if arrow[0] in sources and arrow[1] in targets}
        if not wanted:
            raise gdb.GdbError(f"a connection never goes from {words[0].upper()} to {words[1].upper()} "
                               "(RFC 9293, figure 5)")
        end = {("TIME-WAIT", "CLOSED")}
        for function, part in (("tcp_set_state", wanted - end), ("timewait_delete", wanted & end)):
            if part:
                Transition(function, part, connection)

    def complete(self, line, word):
        return [state for state in STATES if state.startswith(word.upper())]


COMMANDS = (Break,)
