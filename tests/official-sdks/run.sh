#!/usr/bin/env bash
# Runs the tests that drive the simulator with Stripe's own packages for Node and Python.
#
# SIMULATOR_URL says where the simulator listens. What the tests need is installed into node_modules
# here and below target/official-sdks. A language that cannot run is named with `SKIPPED: …`; the
# last line is `N passed, N failed, N skipped`, and the exit code is that of the tests.

set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2
: "${SIMULATOR_URL:?set it to the address of a running stripe-simulator}"
export SIMULATOR_URL
# The simulator is on this machine; no proxy may stand between.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

work="${CARGO_TARGET_DIR:-../../target}/official-sdks"
mkdir -p "$work"
passed=0 failed=0 skipped=0

skip() {
    echo "SKIPPED: $1"
    skipped=$((skipped + 1))
}

# Adds one to `failed` when a runner ended badly without counting a failure, as when it crashed.
count() { # exit code, passed, failed, skipped
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    if [ "$1" -ne 0 ] && [ "$3" -eq 0 ]; then failed=$((failed + 1)); fi
    if [ "$2" -eq 0 ] && [ "$3" -eq 0 ]; then failed=$((failed + 1)); fi
}

# Whether what `$1` describes is installed already, by the stamp in `$2`.
current() { cmp --silent "$1" "$2"; }

with_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        skip "the npm package, because node and npm are not on the path; install Node 20 or newer"
        return
    fi
    if ! current package-lock.json node_modules/.installed; then
        if ! npm ci --ignore-scripts --no-fund --no-audit >"$work/npm.log" 2>&1; then
            tail -n 20 "$work/npm.log" >&2
            skip "the npm package, because npm ci failed, see above"
            return
        fi
        cp package-lock.json node_modules/.installed
    fi
    echo "Stripe's package for Node, $(node -p 'require("stripe").PACKAGE_VERSION'):"
    node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$work/node.tap" node/*.test.mjs
    local code=$?
    number() { sed -n "s/^# $1 //p" "$work/node.tap" | tail -n 1; }
    count "$code" "$(number pass)" "$(($(number fail) + $(number cancelled)))" "$(number skipped)"
}

with_python() {
    local python
    for python in python3.13 python3.12 python3.11 python3.10 python3 ""; do
        [ -n "$python" ] || break
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
    done
    if [ -z "$python" ]; then
        skip "the PyPI package, because no Python 3.10 or newer is on the path; apt-get install python3-venv"
        return
    fi
    if ! current requirements.txt "$work/python/installed"; then
        rm -rf "$work/python"
        if ! { "$python" -m venv "$work/python" && "$work/python/bin/python" -m pip install \
            --disable-pip-version-check --require-hashes --requirement requirements.txt; } \
            >"$work/pip.log" 2>&1; then
            tail -n 20 "$work/pip.log" >&2
            skip "the PyPI package, because it could not be installed, see above (Debian: apt-get install python3-venv)"
            return
        fi
        cp requirements.txt "$work/python/installed"
    fi
    local here="$work/python/bin/python"
    echo "Stripe's package for Python, $("$here" -c 'import stripe; print(stripe.VERSION)'):"
    PYTHONDONTWRITEBYTECODE=1 "$here" -W error::ResourceWarning python/run.py "$work/python.counts"
    local code=$?
    # shellcheck disable=SC2046 # three numbers, three words
    count "$code" $(cat "$work/python.counts" 2>/dev/null || echo 0 0 0)
}

rm -f "$work/node.tap" "$work/python.counts"
with_node
with_python

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
