#!/bin/sh
# docs/rfc.md names functions (FILE.c:NAME of stack/ and apps/), tests (FILE.c:NAME of tests/unit/) and scripts
# (NAME.pkt of tests/scripts/): each must exist. Each requirement of RFC 9293's appendix B must have its row.
set -eu
cd "$(dirname "$0")/../.."
doc=docs/rfc.md
bad=0

missing() {
    echo "$doc names $1, which does not exist"
    bad=1
}

names=$(grep -oE '[A-Za-z0-9_.-]+\.([ch]:[A-Za-z_0-9]+|pkt)' "$doc" | sort -u)
[ "$(echo "$names" | wc -l)" -gt 100 ] || { echo "$doc: cannot read it"; exit 1; }
for name in $names; do
    case $name in
    *.pkt)
        [ -f "tests/scripts/$name" ] || missing "$name"
        ;;
    *.[ch]:*)
        file=${name%%:*} what=${name#*:}
        found=
        for dir in stack apps tests/unit; do
            if [ -f "$dir/$file" ] && grep -qE "^[a-z#][^;]*[ *]$what\(" "$dir/$file"; then
                found=yes
            fi
        done
        [ "$found" ] || missing "$name"
        ;;
    esac
done

for id in $(seq -f 'MUST-%g' 69) $(seq -f 'SHLD-%g' 31) $(seq -f 'MAY-%g' 18); do
    grep -q "^| $id |" "$doc" || { echo "$doc: no row for $id"; bad=1; }
done
exit $bad
