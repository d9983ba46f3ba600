# Where things are; sourced by the other scripts, which stand in the root of the clone.
lockstep_torch_version=2.11.0
lockstep_cache="${XDG_CACHE_HOME:-$HOME/.cache}/lockstep"
lockstep_python_env="$lockstep_cache/torch-$lockstep_torch_version"

# The folder of LibTorch (it holds include/ and lib/): the user's own, or that of the wheel.
lockstep_torch_dir() {
  if [[ -n ${LOCKSTEP_TORCH:-} ]]; then
    echo "$LOCKSTEP_TORCH"
  else
    echo "$lockstep_python_env"/lib/python3.*/site-packages/torch
  fi
}
