#!/usr/bin/env bash
# Formats all sources in place; with --check it only says whether they are formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
[[ ${1:-} == --check ]] && mode=(--dry-run --Werror)
git ls-files --cached --others --exclude-standard '*.h' '*.cpp' '*.cu' | xargs clang-format "${mode[@]}"
