#!/bin/sh
# Makes .venv in this checkout and installs into it, by pip, what one lock file pins, then the checkout.
# A second call with the same lock, project and Python does nothing.
#
#   sh install/venv.sh broker     what the commands need: agency, auditor and broker
#   sh install/venv.sh dev        that, and what the tests and checks need
#
# PYTHON=python3.12 names the Python to use; otherwise the first of 3.11 to 3.13 on the path is taken.
set -eu
cd -P "$(dirname "$0")/.."

lock=$1
venv=.venv
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
version_of='import sys; print("%d.%d.%d" % sys.version_info[:3])'

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        "$PYTHON" -c "$supported" 2>/dev/null ||
            fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13" "name another, or leave PYTHON out"
        printf '%s\n' "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if "$name" -c "$supported" 2>/dev/null; then
            printf '%s\n' "$name"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 is on the path" "install one, or name it: make PYTHON=/path/to/python3.12"
}

# What an installation was made from; the place counts, since scripts in a venv hold its path.
stamp_of() {
    printf '%s Python %s ' "$PWD" "$("$venv/bin/python" -c "$version_of")"
    for file in requirements/build.txt "requirements/$1.txt" pyproject.toml setup.py app/extras/exhaustive/c/*.[ch]; do
        if [ -f "$file" ]; then cat "$file"; fi
    done | cksum
}

is_installed() {
    [ -f "$venv/blindlink-$1" ] && [ "$(cat "$venv/blindlink-$1")" = "$(stamp_of "$1")" ]
}

# A venv that cannot be gone on with: moved or copied here, its Python gone, or not the one asked for.
is_unusable() {
    "$venv/bin/python" -c "$supported" 2>/dev/null || return 0
    grep -qsF " $PWD/$venv" "$venv/pyvenv.cfg" || return 0
    [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -c "$version_of")" != "$("$venv/bin/python" -c "$version_of")" ]
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python cannot make virtual environments" \
        "install its venv module (Debian and Ubuntu: apt install python3-venv), or name another: make PYTHON=..."
    echo "making $venv with Python $("$python" -c "$version_of")"
    "$python" -m venv --clear "$venv"
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation "$@"
}

if [ -d "$venv" ] && ! is_unusable; then
    # The lock of the tests holds everything that the commands need, at the same versions.
    if is_installed "$lock" || { [ "$lock" = broker ] && is_installed dev; }; then exit 0; fi
else
    make_venv
fi
echo "installing requirements/$lock.txt into $venv"
# bashplotlib, which clkhash asks for, is published as source only; it needs no compiler.
pip_install --require-hashes --only-binary :all: --requirement requirements/build.txt
pip_install --require-hashes --only-binary :all: --no-binary bashplotlib --requirement "requirements/$lock.txt"
# compat: a plain path entry, which type checkers and import-linter can follow.
pip_install --no-deps --config-settings editable_mode=compat --editable .
"$venv/bin/python" -m pip check
stamp_of "$lock" >"$venv/blindlink-$lock"
