# Run by gdb when it reads a program of glasstack (gdb/section.S): finds the extension and loads it. It lies beside
# an installed program, in ../share/glasstack/gdb, or in the source tree that the program was built from.
import os
import sys

import gdb


def glasstack_places():
    program = gdb.current_objfile()
    yield os.path.join(os.path.dirname(os.path.realpath(program.filename)), "..", "share", "glasstack", "gdb")
    known = program.lookup_global_symbol("stack_init")
    if known:
        yield os.path.join(os.path.dirname(known.symtab.fullname()), "..", "gdb")


def glasstack_load():
    for place in glasstack_places():
        if os.path.isfile(os.path.join(place, "glass_gdb", "__init__.py")):
            if os.path.normpath(place) not in sys.path:
                sys.path.insert(0, os.path.normpath(place))
            import glass_gdb

            glass_gdb.load(gdb.current_objfile())
            return
    gdb.write("glasstack: the gdb extension is neither in ../share/glasstack/gdb nor in the source tree\n", gdb.STDERR)


glasstack_load()
