#!/bin/sh
# The core does no I/O: no system call, no clock, no allocation of its own, no writable global.
set -eu
cd "$(dirname "$0")/../.."
dir=build/purity
bad=0
mkdir -p $dir
# Built without -fPIE, or tables of constant pointers look writable.
for part in $(make -s print-STACK); do
    [ -f "stack/$part.c" ] || continue
    ${CC:-cc} -std=c11 -O2 -fno-pie -fno-stack-protector -c -o "$dir/$part.o" "stack/$part.c"
done
if nm "$dir"/*.o | grep -E ' [bBdDC] '; then
    echo "stack/ has writable globals"
    bad=1
fi
defined=$(nm "$dir"/*.o | sed -n 's/.* [TRtr] //p' | sort -u)
allowed='^(mem(cpy|set|move|cmp)|v?snprintf|__assert_fail)$'
for symbol in $(nm -u "$dir"/*.o | sed -n 's/^ *U //p' | sort -u); do
    echo "$symbol" | grep -qE "$allowed" && continue
    echo "$defined" | grep -qx "$symbol" && continue
    echo "stack/ calls $symbol"
    bad=1
done
[ $bad -eq 0 ] && echo "purity: the core calls nothing but mem*, snprintf and assert, and has no writable global"
exit $bad
