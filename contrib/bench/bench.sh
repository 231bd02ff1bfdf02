#!/usr/bin/env bash
# Measures the engine; prints one JSON object a line:
#   {"bench": name, "value": n, "unit": u, "ceiling": n, "ratio": r}
# The name ends in the fsync policy of the Redis measured against. ratio is value/ceiling where more is better and
# ceiling/value where less is; a ceiling of 0 means that none is stated.
#
#   contrib/bench/bench.sh [PERCENT]    of the full size (default 100: about two minutes)
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD
build=${BENCH_BUILD:-$source/build-bench}

contrib/packages.sh build run
[ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi
mkdir -p "$build"
[ -f "$build/Makefile" ] || (cd "$build" && "$source/configure" -q CFLAGS='-O2 -g' >&2)
make -s -C "$build" -j"$(nproc)" >&2
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
for mode in everysec always; do
    "$build/bench" "$mode" "$work/$mode" "$source/examples" "${1:-100}"
done
