#!/bin/sh
# Installs a Chromium for the tests of the page, unless there is one: the system's package where the user may
# install packages, otherwise playwright's own. Without either the tests skip and say so.
set -u
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium for the tests of the page"
    apt-get update -qq && apt-get install -y -qq chromium >/dev/null 2>&1 && exit 0
fi
"$1" install chromium || echo "no Chromium could be installed: the tests of the page will skip" >&2
