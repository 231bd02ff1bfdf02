#!/usr/bin/env bash
# Installs the Debian packages that are named on the command line in words: build, run, test.
# Does nothing when all of them are there, so it costs little on a machine that has been used before.
set -euo pipefail

build="build-essential autoconf automake pkg-config gawk libevent-dev libhiredis-dev libjansson-dev libssl-dev libzstd-dev uthash-dev"
run="redis-server curl jq ca-certificates"
test="libcriterion-dev redis-tools python3"

wanted=
for word in "$@"; do
    case $word in
    build) wanted="$wanted $build" ;;
    run) wanted="$wanted $run" ;;
    test) wanted="$wanted $test" ;;
    *) echo "packages.sh: what is \"$word\"?" >&2; exit 2 ;;
    esac
done

missing=
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; install them as root, or run this as root:$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing:$missing"
apt-get update -qq
# The packaged redis-server would start one of its own; we start private ones where they are needed.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
