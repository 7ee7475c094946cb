#!/bin/bash
# The manual page and the completion say what the program says: each command and each option of its --help is in both,
# and the completion offers nothing else. The page itself is in order.
#
#   tests/lint/man.sh [GLASS]    GLASS: the program, build/glass
set -eu
export LC_ALL=C
glass=$(realpath "${1:-build/glass}")
cd "$(dirname "$0")/../.."
page=docs/glass.1
completion=share/bash-completion/glass
bad=0

complain() {
    echo "$1"
    bad=1
}

# The options that --help lists: what stands before two blanks on a line that begins with blanks and a dash.
options_of() {
    "$glass" "$1" --help | sed -n 's/^ \{1,8\}\(-[^ ].*\)/\1/p' | sed 's/  .*//' |
        grep -oE -- '(^|[ ,])--?[A-Za-z][A-Za-z-]*' | tr -d ' ,' | sort -u
}

# The part of the page about a command.
section_of() {
    sed -n "/^\.Ss glass $1\$/,/^\.S[sh] /p" "$page" | sed '1d'
}

# Only the long form when an option has both: a completion of letters would not help.
needed_in_completion() {
    "$glass" "$1" --help | sed -n 's/^ \{1,8\}\(-[^ ].*\)/\1/p' | sed 's/  .*//' |
        grep -oE -- '^-[A-Za-z]$|--[A-Za-z][A-Za-z-]*' | sort -u
}

# shellcheck source=share/bash-completion/glass
source "$completion"

commands=$("$glass" --help | sed -n 's/^  \([a-z]\{1,\}\)  *[^ ].*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 10 ] || complain "$glass --help: cannot read it"
for command in $commands; do
    case " $_glass_commands " in
    *" $command "*) ;;
    *) complain "$completion: no command $command" ;;
    esac
    [ "$command" = help ] && continue
    section=$(section_of "$command")
    [ -n "$section" ] || complain "$page: nothing about glass $command"
    for option in $(options_of "$command"); do
        pattern="\\.(It|Op|Fl).*Fl ([A-Za-z-]+ , )*${option#-}( |\$)"
        echo "$section" | grep -qE -- "$pattern" || complain "$page: glass $command lacks $option"
    done
    offered=$(_glass_options "$command" | tr ' ' '\n' | sort)
    missing=$(comm -23 <(needed_in_completion "$command") <(echo "$offered"))
    [ -z "$missing" ] || complain "$completion: glass $command lacks $missing"
    surplus=$(comm -13 <(options_of "$command") <(echo "$offered") | grep -vx -- --help || true)
    [ -z "$surplus" ] || complain "$completion: glass $command has no $surplus"
done
for command in $_glass_commands; do
    case " $(echo "$commands" | tr '\n' ' ') " in
    *" $command "*) ;;
    *) complain "$completion: there is no command $command" ;;
    esac
done

# Whether the pages that it refers to are installed here says nothing about this one.
if mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found'; then
    complain "$page: see above"
fi
if command -v man >/dev/null; then
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || complain "$page: $warnings"
fi
[ $bad -eq 0 ] && echo "manual: each command and option is in $page and in $completion"
exit $bad
