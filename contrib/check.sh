#!/usr/bin/env bash
# Builds with sanitizers and warnings as errors, runs every test, shows which were skipped and why, and ends with a line
# "N passed, N failed"; those skipped are counted in a line of their own before it.
#
#   contrib/check.sh            in a build folder of its own, which it keeps for the next time
#   CHECK_BUILD=DIR             another build folder
#   CHECK_JOBS=N                parallel jobs (default: processors)
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
build=${CHECK_BUILD:-$source/build-check}
jobs=${CHECK_JOBS:-$(nproc)}

contrib/packages.sh build run test

[ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi
mkdir -p "$build"
cd "$build"
[ -f Makefile ] || "$source/configure" -q --enable-werror --enable-sanitizers --enable-fail-points
make -s -j"$jobs"

code=0
make -s -j"$jobs" -k check || code=$?

# Criterion says how many tests each program ran; a program without such a line counts as one test. What was skipped is
# a line "SKIP what: why" of a program that ran others, or a program that left with 77 after a last word.
passed=0
failed=0
skipped=0
reasons=
while IFS= read -r trs; do
    log=${trs%.trs}.log
    result=$(sed -n 's/^:test-result: //p' "$trs" | head -n 1)
    skips=$(grep -aE '^SKIP [^ ]+: ' "$log" || true)
    if [ -z "$skips" ] && [ "$result" = SKIP ]; then
        skips="SKIP $(basename "${trs%.trs}"): $(grep -av '^SKIP ' "$log" | grep -a . | tail -n 1)"
    fi
    if [ -n "$skips" ]; then
        skipped=$((skipped + $(wc -l <<<"$skips")))
        reasons+=$skips$'\n'
    fi
    line=$(grep -a 'Synthesis: Tested:' "$log" | tail -n 1 | sed 's/\x1b\[[0-9;]*m//g' || true)
    if [ -n "$line" ]; then
        ok=$(sed -n 's/.*Passing: \([0-9]*\).*/\1/p' <<<"$line")
        tested=$(sed -n 's/.*Tested: \([0-9]*\).*/\1/p' <<<"$line")
        bad=$((tested - ok))
        # A leak, or a crash outside a test, fails the program though its tests passed.
        if [ "$result" != PASS ] && [ "$bad" -eq 0 ]; then bad=1; fi
    elif grep -aqE '^[0-9]+ passed, [0-9]+ failed$' "$log"; then
        ok=$(sed -nE 's/^([0-9]+) passed, [0-9]+ failed$/\1/p' "$log" | tail -n 1)
        bad=$(sed -nE 's/^[0-9]+ passed, ([0-9]+) failed$/\1/p' "$log" | tail -n 1)
        if [ "$result" != PASS ] && [ "$bad" -eq 0 ]; then bad=1; fi
    elif [ "$result" = PASS ]; then
        ok=1 bad=0
    elif [ "$result" = SKIP ]; then
        ok=0 bad=0
    else
        ok=0 bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ "$bad" -gt 0 ]; then
        echo "---- ${log#"$build"/}"
        tail -n 60 "$log"
    fi
done < <(find . -name '*.trs' | sort)

if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "make check failed with status $code, though no test did"
    failed=1
fi
if [ "$skipped" -gt 0 ]; then
    printf '%s' "$reasons" | sed 's/^SKIP /skipped: /'
    echo "$skipped skipped"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
