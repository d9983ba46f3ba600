#!/usr/bin/env bash
# Installs what Lockstep builds and runs with, once: Debian packages, and LibTorch out of the PyPI wheel.
# The LibTorch environment lies outside the clone, by version, so that a second clone downloads nothing.
#
#   scripts/setup.sh          what the program needs
#   scripts/setup.sh --tests  and what the parity tests compare it with (timm, PySODMetrics)
#
# LOCKSTEP_TORCH=DIR uses the LibTorch (2.6 or newer) in DIR and downloads none.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh

packages=(g++ cmake ninja-build make git ca-certificates python3 python3-venv
          libjpeg62-turbo-dev libpng-dev libtiff-dev libzip-dev libdeflate-dev libpugixml-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libgloo-dev
          libgtest-dev libgmock-dev)

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed'; }

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
  command -v apt-get >/dev/null || { echo "lockstep: error: this is not a Debian system; install what these packages of it hold, then run scripts/build.sh: ${missing[*]}" >&2; exit 4; }
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [[ $(id -u) != 0 ]]; then
    printf 'lockstep: error: these Debian packages are missing: %s\nInstall them with: sudo sh -c "%s"\n' "${missing[*]}" "$install" >&2
    exit 4
  fi
  echo "Installing Debian packages: ${missing[*]}"
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# Installs a requirements file into the environment unless this very list is there already.
install_requirements() {
  local list=$1 stamp
  stamp="$lockstep_python_env/.installed-$(basename "$list" .txt)-$(sha256sum "$list" | cut -c1-12)"
  [[ -e $stamp ]] && return
  echo "Installing $(grep -v '^#' "$list" | xargs) into $lockstep_python_env"
  "$lockstep_python_env/bin/python" -m pip install -q --disable-pip-version-check -r "$list"
  touch "$stamp"
}

# Two clones may run this at once: one of them waits.
mkdir -p "$lockstep_cache"
exec 9>"$lockstep_cache/.setup-lock"
flock 9
if [[ -z ${LOCKSTEP_TORCH:-} || ${1:-} == --tests ]]; then
  [[ -x $lockstep_python_env/bin/pip ]] || python3 -m venv "$lockstep_python_env"
  install_requirements scripts/requirements-torch.txt
fi
if [[ ${1:-} == --tests ]]; then
  install_requirements scripts/requirements-tests.txt
fi
