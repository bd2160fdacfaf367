#!/bin/sh
# The test suite in two halves at once, one for each core of a small machine: scripts/suite.sh [ARGUMENTS OF PYTEST]
# With arguments, or on one core, it is one run of pytest.
set -u
cd "$(dirname "$0")/.."
PYTHON="${VENV:-.venv}/bin/python"

if [ $# -gt 0 ] || [ "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)" -lt 2 ]; then
    exec "$PYTHON" -m pytest "$@"
fi
JUDGE="tests/problems tests/grading tests/sandbox tests/cli"
REST=$(find tests -mindepth 1 -maxdepth 1 -type d ! -name __pycache__ | sort)
for folder in $JUDGE; do
    REST=$(echo "$REST" | grep -vx "$folder")
done
other=$(mktemp)
trap 'kill $! 2>/dev/null; rm -f "$other"' EXIT
# shellcheck disable=SC2086  # lists of folders
"$PYTHON" -m pytest $JUDGE >"$other" 2>&1 &
# shellcheck disable=SC2086
"$PYTHON" -m pytest $REST
first=$?
wait $!
second=$?
cat "$other"
[ "$first" -eq 0 ] && [ "$second" -eq 0 ]
