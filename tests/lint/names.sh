#!/bin/sh
# A file that a comment or a page names is there: names outlive files that are renamed or split.
set -eu
cd "$(dirname "$0")/../.."

files=$(git ls-files '*.c' '*.h' '*.py' '*.md')
known=$(git ls-files | sed 's|.*/||')
# Not ours: system headers, and words that only look like names.
others='[a-z0-9]*\.h|1_b\.c|name\.py'

# shellcheck disable=SC2086
named=$(grep -hv '#include' $files | grep -oE '\b[a-z0-9]+(_[a-z0-9]+)*\.(c|h|py)\b' | sort -u)
bad=0
for name in $named; do
    if ! printf '%s\n' "$known" | grep -qx "$name" && ! printf '%s\n' "$name" | grep -qxE "$others"; then
        # shellcheck disable=SC2086
        grep -nE "\b$name\b" $files /dev/null | sed "s|\$|   <- there is no $name|"
        bad=1
    fi
done
[ $bad -eq 0 ] && echo "names: every file that is named is there"
exit $bad
