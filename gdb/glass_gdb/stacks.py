"""The stacks of the program, their connections, TIME-WAIT records and listeners.

A stack is a value that its owner keeps anywhere: here it is found from the frames of the thread that gdb shows, and
from the taps that watch it. What looks like one is believed only if its layers point back at each other."""
import re

import gdb

from . import memory, text

FRAMES = 64  # looked at
DEPTH = 4  # of structs within structs
ARRAY = 8  # elements of an array of structs
TIMEWAIT_BLOCK = 64  # timewaits.h
CHAIN = 1 << 20  # links followed in one list: a bound for memory that is no list

# From a struct that belongs to a stack to the stack's address.
OWNERS = {
    "stack": lambda at: at,
    "core": lambda at: at - memory.offset("stack", "core"),
    "tcp": lambda at: at - memory.offset("stack", "tcp"),
    "sock_list": lambda at: at - memory.offset("stack", "socks"),
    "tcp_conn": lambda at: int(memory.at(at, "tcp_conn")["tcp"]) - memory.offset("stack", "tcp"),
    "tcp_listener": lambda at: int(memory.at(at, "tcp_listener")["tcp"]) - memory.offset("stack", "tcp"),
    "sock": lambda at: int(memory.at(at, "sock")["all"]) - memory.offset("stack", "socks"),
}


def is_stack(at):
    try:
        stack = memory.at(at, "stack")
        core = at + memory.offset("stack", "core")
        return int(stack["tcp"]["core"]) == core and int(stack["socks"]["core"]) == core
    except gdb.MemoryError:
        return False


def frames():
    frame = gdb.selected_frame()
    for _ in range(FRAMES):
        if frame is None:
            return
        yield frame
        try:
            frame = frame.older()
        except gdb.error:  # the rest of the thread's stack is unreadable
            return


def variables(frame):
    """The structs, and pointers to them, that a frame has and the optimizer left.

    No other value is touched: to ask for the address of an array that lies nowhere, gdb would call malloc in the
    program."""
    try:
        block = frame.block()
    except RuntimeError:  # no debugging information
        return
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument) or struct_of(symbol.type)[0] is None:
                continue
            try:
                value = frame.read_var(symbol, block)
                pointer = struct_of(symbol.type)[1]
                if value.is_optimized_out if pointer else value.address is None:
                    continue
                yield value
            except (gdb.error, ValueError):
                continue
        if block.function:
            return
        block = block.superblock


def struct_of(value_type):
    """(name, is it a pointer) for a struct or a pointer to one; otherwise (None, False)."""
    plain = value_type.strip_typedefs()
    pointer = plain.code == gdb.TYPE_CODE_PTR
    if pointer:
        plain = plain.target().strip_typedefs()
    return (plain.tag, pointer) if plain.code == gdb.TYPE_CODE_STRUCT and plain.tag else (None, False)


_paths = {}


def paths(plain, depth=0):
    """Where in a struct a stack lies or is pointed at: (offset, is it a pointer), ..."""
    key = (plain.tag, depth)
    if key in _paths:
        return _paths[key]
    found = []
    for field in plain.fields():
        inner = field.type.strip_typedefs()
        start = field.bitpos // 8
        count = 1
        if inner.code == gdb.TYPE_CODE_ARRAY:
            low, high = inner.range()
            inner, count = inner.target().strip_typedefs(), min(high - low + 1, ARRAY)
        name, pointer = struct_of(inner)
        for i in range(count):
            here = start + i * inner.sizeof
            if name == "stack":
                found.append((here, pointer))
            elif name and not pointer and depth < DEPTH:
                found += [(here + at, indirect) for at, indirect in paths(inner, depth + 1)]
    _paths[key] = found
    return found


def candidates(value):
    name, pointer = struct_of(value.type)
    if name is None or (not pointer and value.address is None):
        return
    at = int(value) if pointer else int(value.address)
    if at == 0:
        return
    try:
        if name in OWNERS:
            yield OWNERS[name](at)
            return
        plain = value.type.strip_typedefs()
        plain = plain.target().strip_typedefs() if pointer else plain
        for where, indirect in paths(plain):
            if indirect:
                yield int(gdb.Value(at + where).cast(memory.struct("stack").pointer().pointer()).dereference())
            else:
                yield at + where
    except (gdb.error, StopIteration):
        return


class Stack:
    def __init__(self, at, number):
        self.at, self.number = at, number
        self.value = memory.at(at, "stack")
        self.core, self.tcp = self.value["core"], self.value["tcp"]

    def now(self):
        """The time of the verb at work, or of the last one."""
        return int(self.core["now"])

    def config(self, name):
        return int(self.core["config"][name])

    def sockets(self):
        sock, count = self.value["socks"]["first"], 0
        while int(sock) and count < CHAIN:
            yield sock.dereference()
            sock, count = sock["next"], count + 1

    def connections(self):
        """Those of the table, then those whose owner has still to read or to close."""
        seen = set()
        for node in self._nodes(self.tcp["conns"]):
            seen.add(node - memory.offset("tcp_conn", "node"))
            yield memory.at(node - memory.offset("tcp_conn", "node"), "tcp_conn")
        for sock in self.sockets():
            if int(sock["type"]) == 0 and not (sock["listening"] or sock["resting"]) and int(sock["conn"]):
                if int(sock["conn"]) not in seen:
                    yield sock["conn"].dereference()

    def resting(self):
        for node in self._nodes(self.tcp["resting"]):
            yield memory.at(node - memory.offset("tcp_rest", "node"), "tcp_rest")

    def timewaits(self):
        timewaits, count = self.tcp["timewaits"], 0
        number = int(timewaits["oldest"])
        while number and count < CHAIN:
            record = timewaits["block"][(number - 1) // TIMEWAIT_BLOCK][(number - 1) % TIMEWAIT_BLOCK]
            yield record
            number, count = int(record["newer"]), count + 1

    def listeners(self):
        return (sock for sock in self.sockets() if int(sock["type"]) == 0 and sock["listening"])

    @staticmethod
    def _nodes(table):
        for slot in range(int(table["slots_count"])):
            node, count = table["slots"][slot], 0
            while int(node) and count < CHAIN:
                yield int(node)
                node, count = node["next"], count + 1


def tapped():
    """Addresses of the stacks that the taps watch."""
    try:
        taps = gdb.parse_and_eval("gdb_taps")
    except gdb.error:
        return
    low, high = taps.type.range()
    for i in range(low, high + 1):
        if int(taps[i]["core"]):
            yield int(taps[i]["core"]) - memory.offset("stack", "core")


def from_frames():
    for frame in frames():
        for value in variables(frame):
            yield from candidates(value)


def addresses():
    """Addresses of all stacks that can be found, without repetition."""
    found = []
    for source in (tapped, from_frames):
        for at in source():
            if at not in found and is_stack(at):
                found.append(at)
    return found


def all_stacks():
    memory.need_program()
    found = [Stack(at, number) for number, at in enumerate(addresses(), 1)]
    if not found:
        raise gdb.GdbError("no stack to be seen from here: is the program past stack_init, and in the right thread?")
    return found


def named(stack, stacks, number):
    """A connection's name: its number, with the stack's in front where there are several."""
    return f"{stack.number}.{int(number)}" if len(stacks) > 1 else str(int(number))


class Found:
    """A connection and its stack. `record`: what stands for it in TIME-WAIT; then `value` is the connection only while
    its owner keeps it, otherwise the record again."""

    def __init__(self, stack, stacks, value, record=None):
        self.stack, self.record = stack, record
        self.is_record = value is None
        self.value = record if value is None else value
        self.number = int(self.value["id"])
        self.name = named(stack, stacks, self.number)

    def local(self):
        if self.is_record:
            return f"{text.address(self.stack.core['config']['addr'])}:{int(self.value['local_port'])}"
        return text.endpoint(self.value["local"])

    def remote(self):
        if self.is_record:
            return f"{text.address(self.value['remote_addr'])}:{int(self.value['remote_port'])}"
        return text.endpoint(self.value["remote"])

    def state(self):
        return "TIME-WAIT" if self.is_record else text.state(self.value["state"])

    def deadlines(self):
        """(name of the timer, when) of those that run."""
        if self.record is not None:
            yield "time-wait", int(self.record["due"])
        if not self.is_record:
            due = self.value["due"]
            low, high = due.type.range()
            for i in range(low, high + 1):
                if int(due[i]) != text.NEVER:
                    yield text.timer(i), int(due[i])


class Resting(Found):
    """An idle connection, folded into a record of its own kind (tcp_rest.h)."""

    def __init__(self, stack, stacks, value):
        super().__init__(stack, stacks, None, value)

    def local(self):
        return text.endpoint(self.value["sock"]["local"])

    def remote(self):
        return text.endpoint(self.value["sock"]["remote"])

    def state(self):
        return "ESTABLISHED"

    def deadlines(self):
        timer = self.value["alarm"]["timer"]
        if int(timer["link"]):
            yield "keepalive", int(timer["due"])


def everything(stacks):
    for stack in stacks:
        for value in stack.resting():
            yield Resting(stack, stacks, value)
        records = {int(record["id"]): record for record in stack.timewaits()}
        for value in stack.connections():
            in_time_wait = text.state(value["state"]) == "TIME-WAIT"
            yield Found(stack, stacks, value, records.pop(int(value["id"]), None) if in_time_wait else None)
        for record in records.values():
            yield Found(stack, stacks, None, record)


def in_frames(stacks):
    """The connection that the frames are about, the innermost first; or None."""
    known = {stack.at: stack for stack in stacks}
    for frame in frames():
        for value in variables(frame):
            found = _as_connection(value, known, stacks)
            if found:
                return found
    return None


def _as_connection(value, known, stacks):
    name, pointer = struct_of(value.type)
    if name not in ("tcp_conn", "tcp_timewait") or (pointer and int(value) == 0):
        return None
    at = int(value) if pointer else memory.address(value)
    if name == "tcp_timewait":
        return next((found for found in everything(stacks)
                     if found.record is not None and memory.address(found.record) == at), None)
    conn = memory.at(at, "tcp_conn")
    try:
        stack = known.get(int(conn["tcp"]) - memory.offset("stack", "tcp"))
        if stack and 0 < int(conn["id"]) and text.state(conn["state"])[0] != "?":
            return Found(stack, stacks, conn)
    except gdb.MemoryError:
        pass
    return None


def parse_name(name):
    """'3', '#3', '2.3' as (stack or None, number); otherwise None."""
    match = re.fullmatch(r"#?(?:(\d+)\.)?(\d+)", name)
    return (int(match[1]) if match[1] else None, int(match[2])) if match else None


def connection(name):
    """What the user means; without a name the one that is being worked on, or the only one."""
    stacks = all_stacks()
    if not name:
        found = in_frames(stacks) or _only(stacks)
        if not found:
            raise gdb.GdbError("which connection? Name one of `tcp connections`")
        return found
    parsed = parse_name(name)
    if parsed:
        return _numbered(stacks, name, *parsed)
    for found in everything(stacks):
        if found.remote() == name:
            return found
    try:
        found = _as_connection(gdb.parse_and_eval(name), {stack.at: stack for stack in stacks}, stacks)
    except gdb.error:
        found = None
    if not found:
        raise gdb.GdbError(f"{name} is no connection: give a number of `tcp connections`, a peer's address:port, "
                           "or an expression that is a struct tcp_conn *")
    return found


def _only(stacks):
    found = list(everything(stacks))
    return found[0] if len(found) == 1 else None


def _numbered(stacks, name, stack, number):
    if stack is not None and not 0 < stack <= len(stacks):
        raise gdb.GdbError(f"there is no stack {stack}: the program has {len(stacks)}")
    about = in_frames(stacks)
    matches = [found for found in everything(stacks)
               if found.number == number and stack in (None, found.stack.number)]
    if about and about.number == number and stack in (None, about.stack.number):
        return about
    if len(matches) > 1:
        names = ", ".join(found.name for found in matches)
        raise gdb.GdbError(f"there are several connections {name}: {names}")
    if not matches:
        raise gdb.GdbError(f"there is no connection {name} (any more): see `tcp connections`; "
                           f"`tcp history {name}` may remember it")
    return matches[0]


class Argument:
    """Completion: the names of the connections."""

    def complete(self, line, word):
        try:
            return [found.name for found in everything(all_stacks()) if found.name.startswith(word)]
        except (gdb.error, gdb.GdbError):
            return []


def forget():
    _paths.clear()
