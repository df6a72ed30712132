# Sourced by the scripts that use more of Debian than Python.

PATH=$PATH:/usr/sbin:/sbin

# debian_packages PACKAGE:COMMAND...: see to it that the commands are there, each with the package that
# brings it. Root gets the packages installed; others are told which, and this fails.
debian_packages() {
    missing=
    for pair; do
        command -v "${pair#*:}" >/dev/null || missing="$missing ${pair%%:*}"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "pi-edge: needs more of Debian's packages: sudo apt-get install$missing" >&2
        return 1
    fi
    echo "pi-edge: installing$missing" >&2
    (
        # Some of them are services: none shall start here.
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
            printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
            chmod 755 /usr/sbin/policy-rc.d
        fi
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086
        apt-get update -qq && apt-get install -qq --no-install-recommends $missing >/dev/null
    )
}
