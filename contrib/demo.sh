#!/usr/bin/env bash
# Shows a payment from an HTTP request to `captured`, on this machine and with nothing prepared: installs
# the packages, builds, starts a private Redis, the mock bank and one sluiced, loads the example
# configuration, creates an invoice and pays it. Stops all that it started. Exit 0 only if captured.
#
#   contrib/demo.sh [--keep] [INVOICE.json [PAYMENT.json]]
#
# --keep leaves everything running and says how to look at it and how to stop it.
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
build=${DEMO_BUILD:-$source/build-demo}
keep=
[ "${1:-}" = --keep ] && { keep=1; shift; }
invoice=${1:-examples/invoice.json}
payment=${2:-examples/payment.json}

contrib/packages.sh build run
[ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi
mkdir -p "$build"
[ -f "$build/Makefile" ] || (cd "$build" && "$source/configure" -q)
echo "Building in $build ..."
make -s -C "$build" -j"$(nproc)"

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")
pids=()
stop() {
    [ -n "$keep" ] && return
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT

# Starts a program and waits until its log says where it listens; its address is left in $listening.
start() {
    local log=$work/$1.log name=$1 until=$((SECONDS + 20))
    shift
    "$@" >"$log" 2>&1 &
    pids+=($!)
    until listening=$(sed -n 's/.* listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$log" | head -n 1) && [ -n "$listening" ]; do
        if ! kill -0 "${pids[-1]}" 2>/dev/null || [ $SECONDS -ge $until ]; then
            echo "$name did not start:" >&2
            cat "$log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

start mockbank "$build/mockbank" --port 0 --book "$work/book"
bank=$listening
start sluiced "$build/sluiced" --insecure --data "$work/data" --listen 127.0.0.1:0
api=$listening
export SLUICE_API=http://$api
echo "sluiced:   http://$api   (its Redis: redis-cli -s $work/data/redis.sock)"
echo "mock bank: http://$bank"

sluice() { "$build/sluice" "$@"; }
sed "s#127.0.0.1:8090#$bank#" examples/domain.json >"$work/domain.json"
sluice domain apply "$work/domain.json"
sluice invoice create "$invoice" >"$work/invoice"
id=$(sluice invoice create "$invoice" --json | jq -r .invoice.id)
sluice payment start "$id" "$payment" --wait 30 --json >"$work/payment" || true # its exit code is the payment's
pid=$(jq -r .payment.id "$work/payment")

echo
echo "Timeline of invoice $id"
sluice invoice events "$id"
echo
echo "Balances of the ledger (minor units)"
sluice account --all
echo
echo "What the bank did"
curl -sS "http://$bank/book" | jq -c '.payments[] | {invoice_id, payment_id, charges: (.charges | length), captures: (.captures | length)}'
echo
sluice payment show "$id" "$pid" --json >"$work/payment" || true
status=$(jq -r '.payment.status | keys[0]' "$work/payment")
echo "Payment $pid of invoice $id: $status"
if [ -n "$keep" ]; then
    echo
    echo "Still running. Look around:"
    echo "  export SLUICE_API=http://$api"
    echo "  $build/sluice --help"
    echo "  redis-cli -s $work/data/redis.sock --scan --pattern 'sluice:*'"
    echo "  curl http://$api/metrics"
    echo "Stop it:  kill ${pids[*]}; rm -rf $work"
else
    echo "Where to look next: run it again with --keep; doc/redis-keys.md; edit examples/*.json"
fi
[ "$status" = captured ]
