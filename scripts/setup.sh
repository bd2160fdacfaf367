#!/bin/sh
# Makes the virtual environment and installs gradschool into it: scripts/setup.sh EXTRAS
# What can go wrong is said in one sentence with its remedy.
set -eu
cd "$(dirname "$0")/.."
EXTRAS=$1
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
NEEDED_MB=3000

fail() {
    echo "gradschool: $*" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    fail "there is no $PYTHON here; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$PYTHON is $("$PYTHON" -V 2>&1), but 3.11 or newer is needed; name another: make PYTHON=python3.12."

if ! "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    package=$("$PYTHON" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
    if [ "$(id -u)" = 0 ] && [ "${NO_APT:-}" != 1 ] && command -v apt-get >/dev/null 2>&1; then
        echo "gradschool: installing $package, which $PYTHON needs to make a virtual environment"
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } >/dev/null ||
            fail "$package could not be installed; install it by hand and run make again."
    else
        fail "$PYTHON has no venv module; install it with \`apt-get install $package\` and run make again."
    fi
fi

if [ ! -e "$VENV/.ready" ]; then
    free=$(df -Pm . | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$NEEDED_MB" ] ||
        fail "only $free MB are free on this disk, but PyTorch and the rest need $NEEDED_MB MB; make room and run make again."
    echo "gradschool: making a virtual environment in $VENV (once; PyTorch is large, this takes a few minutes)"
    "$PYTHON" -m venv "$VENV" || fail "the virtual environment could not be made in $VENV; remove that folder and run make again."
fi

# shellcheck disable=SC2086  # PIP_ARGS is a list of flags
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} \
    -c constraints.txt -e ".[$EXTRAS]" ||
    fail "pip could not install the packages (its message stands above); check the network, or pass flags with PIP_ARGS, and run make again."
touch "$VENV/.ready"
