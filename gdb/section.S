/* What makes gdb load the extension by itself: a script that gdb finds in the program and runs, if the program lies
 * where `auto-load safe-path` allows it. The format is gdb's, "The .debug_gdb_scripts section". */
        .section .debug_gdb_scripts, "MS", %progbits, 1
        .byte   4 /* SECTION_SCRIPT_ID_PYTHON_TEXT */
        .ascii  "gdb.inlined-script.glasstack\n"
        .incbin "gdb/autoload.py"
        .byte   0
        .section .note.GNU-stack, "", %progbits
