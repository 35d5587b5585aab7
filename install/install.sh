#!/bin/sh
# Installs Blindlink from this folder alone, into ~/.local/share/blindlink or the folder that is named.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-$HOME/.local/share/blindlink}
"${PYTHON:-pythonPYTHON_VERSION}" -m venv "$into"
"$into/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
    --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
"$into/bin/blindlink" --help >/dev/null
echo "installed: $into/bin/blindlink and blindlink-audit"
