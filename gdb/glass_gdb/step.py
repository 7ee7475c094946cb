"""`tcp step`: runs the program to the next event of a stack."""
import gdb

from . import events, memory, stacks, tap

KINDS = {"segment": ("SEGMENT_IN", "SEGMENT_OUT"), "state": ("STATE",), "timer": ("TIMER_FIRED", "TIMER_SET"),
         "drop": ("DROP",), "call": ("CALL",), "window": ("WINDOW",), "rtt": ("RTT",),
         "datagram": ("DATAGRAM_IN", "DATAGRAM_OUT")}
# Functions that only tell of an event: who decided stands above them. The rest of them are called ..._event.
TELLERS = {"core_emit", "core_drop", "drop", "sock_called", "reply", "tcp_reply_header", "tcb_timer_start",
           "tcb_timer_stop", "tcb_timer_end"}


class Told(gdb.Breakpoint):
    """core_emit, through which every event goes."""

    def __init__(self, kinds):
        super().__init__(function="core_emit", internal=True)
        self.kinds, self.happened, self.started = kinds, None, 0
        self.silent = True

    def stop(self):
        values = {}
        for frame in (gdb.newest_frame(), gdb.newest_frame().older()):  # core_emit may have become a part of core_drop
            for value in stacks.variables(frame):
                values.setdefault(stacks.struct_of(value.type)[0], value)
        if "event" not in values or "core" not in values:
            return False
        event, core = (value.dereference() if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR else value
                       for value in (values["event"], values["core"]))
        happened = events.told(event, core)
        if self.kinds and happened.kind not in self.kinds:
            return False
        if not self.kinds and happened.kind == "TIMER_SET":
            return False
        self.happened = happened
        self.started = started_of(memory.address(core))
        return True


def started_of(core):
    all_taps = tap.taps()
    low, high = all_taps.type.range()
    return next((int(all_taps[i]["started"]) for i in range(low, high + 1) if int(all_taps[i]["core"]) == core), 0)


def select_teller():
    """The frame of the function that made the event."""
    frame = gdb.newest_frame()
    while frame.older() is not None and (frame.name() in TELLERS or (frame.name() or "").endswith("_event")):
        frame = frame.older()
    frame.select()


class Step(memory.Command):
    """Run the program to the next event of a stack: a segment, a transition, a timer that fires, a drop, a call.

Usage: tcp step [COUNT] [KIND]

COUNT events further (1), of one KIND only: segment, state, timer (set ones, too), drop, call, window, rtt, datagram.
It shows the event and stops in the function that made it; a breakpoint on the way stops it earlier."""

    name = "step"

    def run(self, arguments):
        usage = "[COUNT] [KIND]"
        count, kinds = 1, ()
        for word in self.words(arguments, 2, usage):
            if word.isdecimal() and int(word) > 0:
                count = int(word)
            elif word in KINDS:
                kinds = KINDS[word]
            else:
                raise gdb.GdbError(f"tcp step: '{word}' is neither a number nor one of " + ", ".join(KINDS))
        memory.need_live()
        if tap.taps() is None:
            raise gdb.GdbError("this program tells no events: it is not linked with gdb/tap.c")
        tap.watch_all()
        for _ in range(count):
            if not self.next_event(kinds):
                return
        select_teller()
        gdb.execute("frame")

    def next_event(self, kinds):
        """False: something else stopped the program, and gdb has said what."""
        told = Told(kinds)
        try:
            said = gdb.execute("continue", to_string=True)
            if told.happened is None:
                memory.write(said.rstrip())
                return False
            memory.write(told.happened.line(told.started))
            rule = told.happened.rule()
            if rule:
                memory.write("    " + rule)
            return True
        finally:
            told.delete()

    def complete(self, line, word):
        return [kind for kind in KINDS if kind.startswith(word)]


COMMANDS = (Step,)
