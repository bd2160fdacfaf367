#!/bin/sh
# Makes the virtual environment .peers with everything that `make bench` measures us against.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

if ! command -v clang >/dev/null 2>&1; then # tinygrad compiles with it
    if [ "$(id -u)" = 0 ] && [ "${NO_APT:-}" != 1 ] && command -v apt-get >/dev/null 2>&1; then
        echo "gradschool: installing clang, with which tinygrad compiles"
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends clang; } >/dev/null
    else
        echo "gradschool: tinygrad needs clang; install it with \`apt-get install clang\` and run make again." >&2
        exit 1
    fi
fi
if ! cat benchmarks/peers.txt benchmarks/peers-alone.txt | cmp -s - .peers/installed.txt; then
    echo "gradschool: making a virtual environment with the peers in .peers (a few minutes)"
    "$PYTHON" -m venv .peers
    # shellcheck disable=SC2086  # PIP_ARGS is a list of flags
    .peers/bin/python -m pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} \
        -c constraints.txt -r benchmarks/peers.txt
    # shellcheck disable=SC2086
    .peers/bin/python -m pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} \
        --no-deps -r benchmarks/peers-alone.txt
    cat benchmarks/peers.txt benchmarks/peers-alone.txt >.peers/installed.txt
fi
