#!/usr/bin/env bash
# Looks at the sources with cppcheck and clang-tidy; any finding fails. `make lint` runs it where config.h and the
# generated headers are.
#
#   contrib/lint.sh BUILD [FILE...]    BUILD: a configured build folder; no FILE: all of them
#   LINT_JOBS=N                        parallel jobs (default: processors)
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: contrib/lint.sh BUILD [FILE...]" >&2; exit 2; }
build=$1
shift
jobs=${LINT_JOBS:-$(nproc)}
for tool in cppcheck clang-tidy; do
    command -v $tool >/dev/null || { echo "lint.sh: $tool is missing (packages cppcheck, clang-tidy)" >&2; exit 2; }
done
if [ $# -eq 0 ]; then
    mapfile -t files < <(find src contrib tests/sim tests/support tests/fuzz -name '*.c' | sort)
else
    files=("$@")
fi
code=0

# cppcheck does not read the headers of the system. So it knows no macro of theirs (json_array_foreach, utlist's DL_FOREACH)
# and cannot tell what those set: uninitvar is left to clang's analyzer. NULL is a pointer on every system there is.
cppcheck -j "$jobs" --quiet --error-exitcode=1 --language=c --std=c11 --inline-suppr \
    --enable=warning,performance,portability --suppress=missingIncludeSystem --suppress=uninitvar \
    --suppress=ctuuninitvar --suppress=varFuncNullUB --suppress=unknownMacro --suppress=assertWithSideEffect \
    -D_GNU_SOURCE -Isrc -Itests -Icontrib -I"$build" "${files[@]}" || code=1

# The checks are those of .clang-tidy. What it says of suppressed findings is no news.
printf '%s\0' "${files[@]}" | xargs -0 -P "$jobs" -I{} clang-tidy --quiet {} -- -std=gnu11 -D_GNU_SOURCE \
    -DEXAMPLES_DIR='""' -Isrc -Itests -Icontrib -I"$build" 2> >(grep -v 'warnings\? generated' >&2) || code=1
[ "$code" -eq 0 ] && echo "lint: nothing found in ${#files[@]} files"
exit "$code"
