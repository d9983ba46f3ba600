#!/usr/bin/env bash
# Runs each fuzz target for some seconds (600 by default), one after the other. Needs clang, which setup.sh does not
# install.
#
#   scripts/fuzz.sh [SECONDS]
#
# What libFuzzer has found so far stays in build/fuzz/found/TARGET, and a later run begins there. An input that fails
# lies in build/fuzz/failures; put it into tests/fuzz/corpus once it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
command -v clang++ >/dev/null || { echo "lockstep: error: clang++ is not installed; install clang (14 or newer)" >&2; exit 4; }
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
mkdir -p build/fuzz/failures
for target in build/fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target" _fuzz)
  found=build/fuzz/found/$name
  mkdir -p "$found"
  echo "$name: $seconds seconds"
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/failures/$name-" "$found" "tests/fuzz/corpus/$name"
done
