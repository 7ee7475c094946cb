"""Reading the program: types, fields, numbers, with one clear line for what cannot be read."""
import functools

import gdb


def clear(function):
    """A command's body: whatever goes wrong in it is one line, not a traceback."""

    @functools.wraps(function)
    def wrapped(*arguments):
        try:
            return function(*arguments)
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"the program's memory cannot be read: {error}") from None
        except gdb.GdbError:
            raise
        except gdb.error as error:
            raise gdb.GdbError(str(error).rstrip(".")) from None

    return wrapped


class Command(gdb.Command):
    """A command `tcp NAME`: subclasses give `name` and run(arguments), a list of words."""

    name = None

    def __init__(self):
        super().__init__("tcp " + self.name, gdb.COMMAND_DATA)

    @clear
    def invoke(self, text, from_tty):
        self.dont_repeat()
        self.run(gdb.string_to_argv(text))

    def words(self, arguments, most, usage):
        """The arguments, or the error that there are too many."""
        if len(arguments) > most:
            raise gdb.GdbError(f"tcp {self.name}: usage: tcp {self.name} {usage}".rstrip())
        return arguments


def write(line=""):
    gdb.write(line + "\n")


def is_alive():
    """A program runs, or was running when its memory was saved."""
    return gdb.selected_inferior().pid != 0


def need_program():
    if not is_alive():
        raise gdb.GdbError("the program is not being run: start it with `run`, or attach to it")


def is_live():
    """It can go on: neither a core file nor a program that was not started."""
    connection = gdb.selected_inferior().connection
    return is_alive() and connection is not None and connection.type != "core"


def need_live():
    need_program()
    if not is_live():
        raise gdb.GdbError("this is a core file: it shows what was, and cannot go on")


@functools.lru_cache(maxsize=None)
def struct(name):
    try:
        return gdb.lookup_type("struct " + name)
    except gdb.error:
        raise gdb.GdbError(f"there is no struct {name}: is this a program of glasstack, built with -g?") from None


@functools.lru_cache(maxsize=None)
def offset(name, field):
    return next(f.bitpos // 8 for f in struct(name).fields() if f.name == field)


@functools.lru_cache(maxsize=None)
def enum(name):
    """Name of the enumerator by value."""
    return {f.enumval: f.name for f in gdb.lookup_type("enum " + name).fields()}


def forget():
    """Another program was loaded: its types are others."""
    for cached in (struct, offset, enum):
        cached.cache_clear()


def has(value, field):
    return any(f.name == field for f in value.type.strip_typedefs().fields())


def at(address, name):
    """The struct of that name at an address."""
    return gdb.Value(int(address)).cast(struct(name).pointer()).dereference()


def address(value):
    return int(value.address)


def readable(value, what="it"):
    """The value, fetched; or the error that the optimizer left nothing to read."""
    if value.is_optimized_out:
        raise gdb.GdbError(f"{what} is optimized out here: go to another frame (up), or build with make DEBUG=1")
    return value


def byte_string(where, length):
    return bytes(gdb.selected_inferior().read_memory(int(where), length)) if length else b""
