#!/bin/sh
# What the tests need from the system: a browser, a synthesiser and its soundfont. Installed where that is allowed,
# named in one line where it is not; a test is never skipped for want of them.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || [ -n "${MSS_LAB_CHROMIUM:-}" ] ||
    missing="$missing chromium"
ldconfig -p 2>/dev/null | grep -q libfluidsynth || command -v fluidsynth >/dev/null 2>&1 || missing="$missing libfluidsynth3"
[ -n "${MSS_LAB_SOUNDFONT:-}" ] || [ -e /usr/share/sounds/sf2/FluidR3_GM.sf2 ] || missing="$missing fluid-soundfont-gm"
[ -n "$missing" ] || exit 0

run=""
[ "$(id -u)" = 0 ] || run="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
    echo "Installing for the tests:$missing"
    export DEBIAN_FRONTEND=noninteractive
    if $run apt-get update -qq && $run apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "The tests need:$missing. Install them (Debian: sudo apt install$missing), then run make test again." >&2
exit 1
