#!/usr/bin/env bash
# Kills a training run at random moments (kill -9), resumes it each time, and holds what comes out against a run that
# nobody disturbed: weights, averages, optimizer, state and the numbers in the log must be the same bits.
#
#   scripts/torture.sh [ROUNDS] [FLAGS]
#
# ROUNDS kills (20 by default). FLAGS of 'lockstep train camouflage' come after those of the small run below, and win. A run
# that is through before the last kill is compared, and another one begins. Before each resume 'lockstep checkpoint verify'
# looks at all snapshots. The runs lie in a folder in $TMPDIR, which stays if something is wrong. LOCKSTEP names another
# program than build/release/lockstep.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=20
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  rounds=$1
  shift
fi
lockstep=${LOCKSTEP:-build/release/lockstep}
folder=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-torture-XXXXXX")
flags=(--dataset-path data/demo --devices cpu:2 --threads-per-rank 1 --num-workers 1 --backbone edgenext_xx_small
       --img-size 32 --batch-size 4 --epochs 12 --evaluate-every 3 --ema-decay 0.9 --seed 1 --checkpoint-minutes 0.002
       "$@")

# Each run in the background is a process group of its own: a kill takes the processes of all its ranks.
set -m
child=
trap 'if [[ -n $child ]]; then kill -9 -- "-$child" 2>/dev/null || true; fi' EXIT

fail() {
  echo "lockstep: error: $1; look at $folder" >&2
  exit 5
}

milliseconds() { echo $((${EPOCHREALTIME/./} / 1000)); }

start() {
  "$lockstep" train camouflage "${flags[@]}" --checkpoint-dir "$folder/$1" >>"$folder/$1.log" 2>&1 &
  child=$!
}

# Waits for the run's end, and gives its exit code.
ended() {
  local code=0
  wait "$child" 2>/dev/null || code=$?
  while kill -0 -- "-$child" 2>/dev/null; do sleep 0.01; done
  child=
  return "$code"
}

# What a log says of steps and evaluations, times aside: the last record of each. Lines that a kill has cut are none.
numbers() {
  grep -E '^\{"event":"(step|evaluate|evaluate-raw)","time".*"step":[0-9]+\}$' "$1" |
    sed -E 's/,"(time|seconds)":("[^"]*"|\{[^}]*\})//g' |
    awk 'match($0, /"event":"[^"]*"/) { event = substr($0, RSTART, RLENGTH) }
         match($0, /"step":[0-9]+/) { last[event substr($0, RSTART, RLENGTH)] = $0 }
         END { for (key in last) print last[key] }' | sort
}

# A snapshot's state without what was measured.
state() { sed '/"costs": {/,/}/d; /"elapsed_seconds"/d' "$1"; }

last_snapshot() { echo "$folder/$1/checkpoints/$(cat "$folder/$1/checkpoints/last")"; }

compare() {
  local one other file
  one=$(last_snapshot undisturbed)
  other=$(last_snapshot tortured)
  cmp "$folder/undisturbed/model.safetensors" "$folder/tortured/model.safetensors" || fail "the weights differ"
  for file in "$one"/*.safetensors; do
    cmp "$file" "$other/${file##*/}" || fail "what the last snapshots hold differs"
  done
  diff <(state "$one/state.json") <(state "$other/state.json") || fail "the states differ"
  diff <(numbers "$folder/undisturbed/run.jsonl") <(numbers "$folder/tortured/run.jsonl") || fail "the logs differ"
}

begun=$(milliseconds)
start undisturbed
while [[ ! -e $folder/undisturbed/checkpoints/last ]] && kill -0 "$child" 2>/dev/null; do sleep 0.01; done
until_snapshot=$(($(milliseconds) - begun))
ended || fail "the undisturbed run has failed"
steps=$(numbers "$folder/undisturbed/run.jsonl" | grep -c '"event":"step"') || fail "the undisturbed run has no steps"
echo "undisturbed: $steps steps in $(($(milliseconds) - begun)) ms, the first snapshot after $until_snapshot ms"

kills=0
whole_runs=0
while ((kills < rounds)); do
  start tortured
  # Long enough to get on, from before the first step to after some snapshots.
  life=$((200 + (RANDOM * 32768 + RANDOM) % (3 * until_snapshot)))
  sleep "$((life / 1000)).$(printf %03d $((life % 1000)))"
  kill -9 -- "-$child" 2>/dev/null || true
  code=0
  ended || code=$?
  if ((code == 0)); then
    compare
    whole_runs=$((whole_runs + 1))
    rm -rf "$folder/tortured"
  elif ((code == 128 + 9)); then
    kills=$((kills + 1))
    if [[ -e $folder/tortured/checkpoints/last ]]; then
      "$lockstep" checkpoint verify "$folder/tortured" >"$folder/verify.log" 2>&1 || fail "a snapshot is damaged"
      echo "kill $kills after $life ms: $(cat "$folder/tortured/checkpoints/last")"
    else
      echo "kill $kills after $life ms: no snapshot yet"
    fi
  else
    fail "the run ended with exit code $code"
  fi
done
start tortured
ended || fail "the run that was resumed last has failed"
compare
echo "$kills kills, $((whole_runs + 1)) whole runs: the same bits as the undisturbed run"
rm -rf "$folder"
