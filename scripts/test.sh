#!/usr/bin/env bash
# Installs what is needed, builds, and runs the whole test suite. Arguments go to CTest (-R NAME: only these tests).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
scripts/build.sh
ctest --preset release --parallel "$(nproc)" "$@"
