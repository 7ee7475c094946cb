"""The gdb extension of glasstack: the `tcp` commands, and values printed as the RFC writes them.

memory.py reads the program, stacks.py finds its stacks and what they hold, text.py writes values, tap.py watches
events; every other file is one command or a few. Loaded by gdb/autoload.py, once for each program that gdb reads.
"""
import gdb

from . import connections, history, printers, segment, show, step, tap, transitions  # noqa: F401 (their commands)


class Tcp(gdb.Command):
    """What the TCP of the program does: its connections, timers, segments, transitions.

A connection is named by its number (3), in a program with several stacks by stack and number (2.3), by the peer's
address and port (10.7.0.1:40000), or by an expression that is one (c)."""

    def __init__(self):
        super().__init__("tcp", gdb.COMMAND_DATA, prefix=True)


def load(objfile):
    """gdb has read a program of ours."""
    printers.register(objfile)
    tap.watch_program()
    tap.look()  # with `gdb -p` it has stopped before its scripts are read


Tcp()
for command in (*connections.COMMANDS, *show.COMMANDS, *segment.COMMANDS, *transitions.COMMANDS, *step.COMMANDS,
                *history.COMMANDS):
    command()
tap.connect()
