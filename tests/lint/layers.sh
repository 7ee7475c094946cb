#!/bin/sh
# A file of stack/ includes only what stands above it in the Makefile's list, and nothing of tun/ or apps/;
# tun/ includes nothing of apps/.
set -eu
cd "$(dirname "$0")/../.."
order=$(make -s print-STACK)
bad=0

place() { # the position of a part in the list, 0 if it is not in it
    n=0
    for part in $order; do
        n=$((n + 1))
        [ "$part" = "$1" ] && echo $n && return
    done
    echo 0
}

for file in stack/*.[ch]; do
    name=$(basename "$file")
    part=${name%.*}
    # The sources of one part may have a header of the same name; stack.h and stack_parts.h name each other.
    here=$(place "$part")
    [ "$here" -gt 0 ] || { echo "$file: not in the Makefile's list STACK"; bad=1; }
    # shellcheck disable=SC2013 # one word a line
    for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
        case $header in */*) echo "$file: includes $header from outside stack/"; bad=1; continue ;; esac
        there=$(place "${header%.h}")
        if [ "$there" -eq 0 ] || [ "$there" -gt "$here" ]; then
            echo "$file: includes $header, which stands below it"
            bad=1
        fi
    done
done
if grep -n '#include ".*apps/' tun/*.[ch]; then
    echo "tun/ must not know apps/"
    bad=1
fi
[ $bad -eq 0 ] && echo "layers: every include points upwards"
exit $bad
