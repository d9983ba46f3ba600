#!/usr/bin/env bash
# Builds the benchmarks and compares Lockstep with PyTorch, side by side on this machine: everything, or the comparisons
# named (benchmarks/comparisons.py). Other arguments go to benchmarks/compare.py: --rounds N, --json FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh

scripts/setup.sh --tests
LOCKSTEP_BENCHMARKS=ON scripts/build.sh lockstep_program lockstep_benchmarks
"$lockstep_python_env/bin/python" benchmarks/compare.py --programs build/release "$@"
