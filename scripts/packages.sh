#!/bin/sh
# Chromium for the browser tests, bubblewrap for those of the sandbox, and nginx and curl to follow docs/deploy.md, from
# the distribution's packages where that is allowed.
set -eu
missing=
for program in chromium bwrap nginx curl; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if [ "${NO_APT:-}" = 1 ]; then
    why="NO_APT=1 forbids installing it"
elif ! command -v apt-get >/dev/null 2>&1; then
    why="this system has no apt-get"
elif [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo=sudo
else
    why="only root may install it"
fi
if [ -z "${why:-}" ]; then
    echo "gradschool: installing$missing for the tests"
    $sudo apt-get update -qq >/dev/null 2>&1 || true
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium bubblewrap \
        fonts-dejavu-core nginx-light curl >/dev/null 2>&1 && exit 0
    why="apt-get could not install it"
fi
echo "gradschool:$missing not found ($why); their tests are left out, everything else runs"
