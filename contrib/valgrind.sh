#!/usr/bin/env bash
# Runs test programs of the current folder under valgrind, each test in this one process; any error or lost block fails.
# The build must be one without sanitizers.
#
#   contrib/valgrind.sh PROGRAM...
set -u
command -v valgrind >/dev/null || { echo "valgrind.sh: valgrind is missing (package valgrind)" >&2; exit 2; }
code=0
for program in "$@"; do
    if nm "$program" 2>/dev/null | grep -q __asan_init; then
        echo "valgrind.sh: $program has sanitizers in it: configure without --enable-sanitizers" >&2
        exit 2
    fi
    # Criterion runs each test in a child and ends well though it leaked, so the children's reports are what counts.
    reports=$(mktemp -d)
    valgrind --quiet --trace-children=yes --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --log-file="$reports/%p" "./$program" -j1 --timeout 300 >"$reports/out" 2>&1
    status=$?
    found=$(find "$reports" -type f ! -name out -size +0 -exec cat {} +)
    if [ "$status" -ne 0 ] || [ -n "$found" ]; then
        tail -n 20 "$reports/out"
        head -n 200 <<<"$found"
        echo "valgrind: FAIL $program"
        code=1
    else
        echo "valgrind: fine $program"
    fi
    rm -rf "$reports"
done
exit "$code"
