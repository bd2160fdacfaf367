#!/bin/sh
# Chromium for the browser tests, bubblewrap for those of the sandbox, PostgreSQL for those of the office, and nginx and
# curl to follow docs/deploy.md, from the distribution's packages where that is allowed.
set -eu
wanted=
command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium fonts-dejavu-core"
command -v bwrap >/dev/null 2>&1 || wanted="$wanted bubblewrap"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null 2>&1 || wanted="$wanted nginx-light"
command -v curl >/dev/null 2>&1 || wanted="$wanted curl"
[ -n "$wanted" ] || exit 0
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
    echo "gradschool: installing$wanted for the tests"
    $sudo apt-get update -qq >/dev/null 2>&1 || true
    # The tests make a server of their own; without this line Debian would start one that nobody asked for.
    cluster=/etc/postgresql-common/createcluster.conf
    case "$wanted" in *postgresql*)
        [ -e "$cluster" ] || $sudo sh -c "mkdir -p ${cluster%/*} && echo 'create_main_cluster = false' >$cluster" ;;
    esac
    # shellcheck disable=SC2086  # a list of packages
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold $wanted >/dev/null 2>&1 && exit 0
    why="apt-get could not install it"
fi
echo "gradschool: missing ($why):$wanted; the tests that need it are left out, everything else runs"
