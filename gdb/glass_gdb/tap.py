"""Watching events: gdb/tap.c becomes the observer of each stack, as soon as there is one.

Two breakpoints that nobody sees put it there: tcp_init is called when a stack begins, stack_observe when a program
changes its observer. In a program that gdb was attached to it is put there at the first stop. It costs the program a
copy of each event, and no stop."""
import sys

import gdb

from . import memory, stacks

POINTER = 8  # bytes


def taps():
    """The array of taps, or None in a program that is not linked with them."""
    try:
        return gdb.parse_and_eval("gdb_taps")
    except gdb.error:
        return None


def _observer():
    return int(gdb.parse_and_eval("(long)&gdb_observe"))


def _store(value, number):
    gdb.selected_inferior().write_memory(memory.address(value), int(number).to_bytes(POINTER, sys.byteorder))


def _slot(all_taps, core):
    """The tap of this stack, a free one, or one whose stack is gone; None when all are in use."""
    low, high = all_taps.type.range()
    slots = [all_taps[i] for i in range(low, high + 1)]
    for slot in slots:
        if int(slot["core"]) == core:
            return slot
    for slot in slots:
        if int(slot["core"]) == 0 or not stacks.is_stack(int(slot["core"]) - memory.offset("stack", "core")):
            return slot
    return None


def _take(all_taps, core, observe, context, fresh):
    """A tap for this stack that tells `observe` in turn; None when there is none left."""
    tap = _slot(all_taps, core)
    if tap is None:
        return None
    if observe == _observer():  # a configuration that was used before: whom did that tap tell?
        before = gdb.Value(context).cast(tap.type.pointer()).dereference()
        observe, context = int(before["observe"]), int(before["context"])
    if fresh or int(tap["core"]) != core:
        _store(tap["core"], core)
        _store(tap["started"], memory.at(core, "core")["now"])
        _store(tap["first"], gdb.parse_and_eval("gdb_history_count"))
    _store(tap["observe"], observe)
    _store(tap["context"], context)
    return tap


def watch(core, fresh=False):
    """Puts the tap into the stack of this struct core, if it is not there yet; `fresh`: the stack begins."""
    all_taps = taps()
    if all_taps is None:
        return
    config = memory.at(core, "core")["config"]
    observe, context = int(config["observe"]), int(config["observe_context"])
    tap = _slot(all_taps, core)
    in_place = tap is not None and observe == _observer() and context == memory.address(tap)
    if in_place and not fresh:
        return
    tap = _take(all_taps, core, observe, context, fresh)
    if tap is not None:
        _store(config["observe_context"], memory.address(tap))
        _store(config["observe"], _observer())


def watch_all():
    """Every stack that can be found."""
    for at in stacks.addresses():
        watch(at + memory.offset("stack", "core"))


class Watcher(gdb.Breakpoint):
    """Sees something happen and never stops for it."""

    def stop(self):
        try:
            self.happened(gdb.newest_frame())
        except (gdb.error, gdb.GdbError, ValueError) as error:
            gdb.write(f"glasstack: this stack is not watched: {error}\n", gdb.STDERR)
        return False


class Begins(Watcher):
    """A stack begins."""

    def happened(self, frame):
        watch(int(frame.read_var("core")), fresh=True)


class Changes(Watcher):
    """The program gives a stack another observer: that one is told by the tap."""

    def happened(self, frame):
        core = int(frame.read_var("stack")) + memory.offset("stack", "core")
        tap = _take(taps(), core, int(frame.read_var("see")), int(frame.read_var("context")), False)
        if tap is not None:
            gdb.execute("set var see = gdb_observe", to_string=True)
            gdb.execute(f"set var context = (void *){memory.address(tap)}", to_string=True)


_watchers = []


def watch_program():
    """A program was read: breakpoints where stacks begin. gdb keeps them when it reads the program again."""
    memory.forget()
    stacks.forget()
    _watchers[:] = [watcher for watcher in _watchers if watcher.is_valid()]
    if gdb.lookup_global_symbol("gdb_observe") is None:
        return
    for kind, function in ((Begins, "tcp_init"), (Changes, "stack_observe")):
        known = any(isinstance(watcher, kind) for watcher in _watchers)
        if not known and gdb.lookup_global_symbol(function):
            _watchers.append(kind(function, internal=True))


def tell_clock():
    """tun/clock.c: no time passes while gdb is there, also if it leaves before the program sees it."""
    clock = gdb.lookup_static_symbol("process_clock")
    if clock is not None:
        gdb.selected_inferior().write_memory(int(clock.value()["told"].address), b"\1")


def look(_=None):
    """The program stopped: gdb may have been attached to it, or it changed its observer unseen."""
    try:
        if memory.is_live() and taps() is not None:
            tell_clock()
            found = list(stacks.tapped()) or list(stacks.from_frames())
            for at in found:
                if stacks.is_stack(at):
                    watch(at + memory.offset("stack", "core"))
    except (gdb.error, gdb.GdbError):
        pass  # a frame that cannot be read: the next stop is another chance


def _cleared(_):
    memory.forget()
    stacks.forget()


def connect():
    gdb.events.stop.connect(look)
    gdb.events.clear_objfiles.connect(_cleared)
