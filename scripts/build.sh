#!/usr/bin/env bash
# Configures and builds the release preset; what is up to date is not built again. Arguments are CMake targets.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh

export LOCKSTEP_TORCH LOCKSTEP_PYTHON
LOCKSTEP_TORCH=$(lockstep_torch_dir)
LOCKSTEP_PYTHON="$lockstep_python_env/bin/python"

targets=()
for target in "$@"; do
  targets+=(--target "$target")
done
cmake --preset release -DLOCKSTEP_TORCH="$LOCKSTEP_TORCH" -DLOCKSTEP_PYTHON="$LOCKSTEP_PYTHON" \
  -DLOCKSTEP_BENCHMARKS="${LOCKSTEP_BENCHMARKS:-OFF}" --log-level=WARNING
cmake --build --preset release --parallel "$(nproc)" "${targets[@]}"
