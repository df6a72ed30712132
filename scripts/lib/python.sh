# Sets $python to an interpreter that pi-edge can use: the one named in PYTHON, else the first
# that is new enough. Sourced by the scripts beside this folder.

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    python=$PYTHON
    if ! new_enough "$python"; then
        echo "pi-edge: PYTHON=$python is no Python 3.11 or newer" >&2
        exit 1
    fi
else
    for python in python3 python3.13 python3.12 python3.11 python3.14 ''; do
        new_enough "$python" && break
    done
    if [ -z "$python" ]; then
        found=$(python3 --version 2>&1) || found='no python3'
        echo "pi-edge: needs Python 3.11 or newer and found $found:" \
            "install one and name it, as in PYTHON=python3.11 $0" >&2
        exit 1
    fi
fi
