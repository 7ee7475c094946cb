"""`tcp history`: what happened to a connection so far, also to one that has ended."""
import gdb

from . import events, memory, stacks, tap

MOST = 100  # events, unless more are asked for


def _ring():
    if tap.taps() is None:
        raise gdb.GdbError("this program keeps no history: it is not linked with gdb/tap.c")
    ring, count = gdb.parse_and_eval("gdb_history"), int(gdb.parse_and_eval("gdb_history_count"))
    low, high = ring.type.range()
    return ring, count, high - low + 1


def _tap_of(stack):
    all_taps = tap.taps()
    low, high = all_taps.type.range()
    for i in range(low, high + 1):
        if int(all_taps[i]["core"]) == memory.address(stack.core):
            return i, all_taps[i]
    return None, None


def records(stack):
    """All that is remembered of a stack, the oldest first; and whether there was more."""
    ring, count, room = _ring()
    number, its_tap = _tap_of(stack)
    if its_tap is None:
        raise gdb.GdbError("nothing is remembered: gdb has not watched this stack (in a core file: was it under gdb?)")
    first, oldest = int(its_tap["first"]), max(0, count - room)
    kept = [ring[i % room] for i in range(max(first, oldest), count)]
    return [record for record in kept if int(record["side"]) == number], oldest > first, int(its_tap["started"])


def of_connection(kept, number):
    """Its own events, and what was dropped of what came for it."""
    ends, found = None, []
    for record in kept:
        event = record["event"]
        if int(event["connection"]) == number:
            if ends is None and int(event["local"]["addr"]):
                ends = events.ends_of_event(event)
            found.append(record)
    if ends is None:
        return found
    dropped = {int(record.address) for record in kept if _is_drop_for(record, ends)}
    own = {int(record.address) for record in found}
    return [record for record in kept if int(record.address) in own or int(record.address) in dropped]


def _is_drop_for(record, ends):
    if int(record["event"]["connection"]) or int(record["packet_len"]) == 0:
        return False
    happened = events.recorded(record)
    return happened.kind == "DROP" and events.ends_of_packet(happened.packet()) == ends


def _whose(name):
    """(stack, number of the connection), which may have ended."""
    parsed = stacks.parse_name(name) if name else None
    if parsed is None:
        found = stacks.connection(name)
        return found.stack, found.number
    known = stacks.all_stacks()
    stack, number = parsed
    if stack is None:
        about = stacks.in_frames(known)
        if about and about.number == number:
            return about.stack, number
        if len(known) > 1:
            raise gdb.GdbError(f"of which stack? 1.{number} to {len(known)}.{number}")
    elif not 0 < stack <= len(known):
        raise gdb.GdbError(f"there is no stack {stack}: the program has {len(known)}")
    return known[(stack or 1) - 1], number


class History(stacks.Argument, memory.Command):
    """What happened to a connection: its segments, transitions, time-outs, drops; the newest last.

Usage: tcp history [CONN [COUNT]]

Times are seconds since the stack began (since gdb was attached, if it was later). The last 4096 events of the program
are remembered, also of connections that have ended; COUNT of them are shown (100)."""

    name = "history"

    def run(self, arguments):
        words = self.words(arguments, 2, "[CONN [COUNT]]")
        most = MOST
        if len(words) == 2:
            if not words[1].isdecimal() or int(words[1]) == 0:
                raise gdb.GdbError(f"tcp history: '{words[1]}' is not a number of events")
            most = int(words[1])
        stack, number = _whose(words[0] if words else None)
        kept, forgotten, started = records(stack)
        found = of_connection(kept, number)
        if not found:
            if any(each.number == number for each in stacks.everything([stack])):
                memory.write("nothing yet")
                return
            raise gdb.GdbError(f"nothing is remembered of a connection {number}")
        if forgotten or len(found) > most:
            memory.write(f"(the last {min(most, len(found))} events" +
                         (")" if len(found) > most else "; what came before is forgotten)"))
        for record in found[-most:]:
            memory.write(events.recorded(record).line(started))


COMMANDS = (History,)
