#!/bin/sh
# Rules that a search can check.
set -eu
cd "$(dirname "$0")/../.."
bad=0

only() { # only PATTERN FILE MESSAGE: exactly one line of the tree matches, and it stands in FILE
    found=$(grep -nE "$1" stack/*.[ch] tun/*.[ch] apps/*.[ch] || true)
    if [ "$(echo "$found" | grep -c .)" -ne 1 ] || [ "${found%%:*}" != "$2" ]; then
        echo "$3:"
        echo "$found"
        bad=1
    fi
}
none() { # none PATTERN MESSAGE FILES...
    pattern=$1 message=$2
    shift 2
    if grep -nE "$pattern" "$@"; then
        echo "$message"
        bad=1
    fi
}

only '(->|\.)state = \(uint8_t\)' stack/tcp_state.c "one assignment to a connection's state"
none '(->|\.)state = TCP_[A-Z_]+;' "a state is changed by tcp_set_state alone" stack/tcp*.c stack/socket_*.c
only 'clock_gettime\(CLOCK_MONOTONIC' tun/clock.c "one place reads the clock"
none 'clock_gettime|gettimeofday' "one place reads the clock" stack/*.[ch] apps/*.[ch] tun/[!c]*.[ch] tun/ca*.[ch]
none '^#(if|ifdef|elif) ' "no conditional compilation in the core" stack/*.c
none '__attribute__\(\(packed|:[0-9]+;' "no packed structs, no bit-fields" stack/*.[ch]
none '\bhton[ls]\b|\bntoh[ls]\b' "byte order is wire.h's" stack/*.[ch]
none 'TODO|FIXME|XXX' "unfinished" stack/*.[ch] tun/*.[ch] apps/*.[ch]
[ $bad -eq 0 ] && echo "rules: one door for states, one clock, no conditional compilation in the core"
exit $bad
