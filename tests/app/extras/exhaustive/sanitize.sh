#!/bin/sh
# Builds the scans with AddressSanitizer and UndefinedBehaviorSanitizer and runs scan_check.c on them.
# Usage: sanitize.sh [rounds]      CC names the compiler, gcc if it is not set
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../../../app/extras/exhaustive/c
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
"${CC:-gcc}" -std=c11 -O1 -g -Wall -Wextra -Werror -fno-sanitize-recover=all \
    -fsanitize=address,undefined -I "$sources" -o "$build/scan_check" \
    "$here/scan_check.c" "$sources"/instruction_sets.c "$sources"/scan_*.c
"$build/scan_check" "${1:-200}"
