#!/usr/bin/env bash
# Plants every fault in short runs on 1, 2 and 4 ranks, and two of them at once on 2 and 4: each run must come to an end,
# with the code that docs/exit-codes.md gives it, and name the cause. More flags of train (such as --ranks process) may
# follow.
set -euo pipefail
cd "$(dirname "$0")/.."

lockstep=$PWD/build/release/lockstep
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# try RANKS FAULTS CODE WORDS [FLAGS]: WORDS is a regular expression that stderr must match.
try() {
  local ranks=$1 faults=$2 code=$3 words=$4 got=0 verdict=ok
  shift 4
  rm -rf "$folder/run"
  { timeout 120 "$lockstep" train camouflage --dataset-path data/demo --checkpoint-dir "$folder/run" \
    --backbone edgenext_xx_small --decoder-width 16 --img-size 32 --batch-size 2 --global-batch 8 --max-steps 4 \
    --num-workers 1 --threads-per-rank 1 --watchdog 3 --devices "cpu:$ranks" --inject "$faults" "${more[@]}" "$@" \
    2>"$folder/errors" >/dev/null || got=$?; } 2>/dev/null  # where bash would say that it was killed
  [[ $got == "$code" ]] || verdict="exit code $got instead of $code"
  grep -qE -- "$words" "$folder/errors" || verdict="$verdict; does not say '$words'"
  [[ $(grep -c "^lockstep: error: " "$folder/errors") -le 1 ]] || verdict="$verdict; more than one error"
  echo "$ranks ranks  $faults${*:+ $*}: $verdict"
  if [[ $verdict != ok ]]; then
    failed=$((failed + 1))
    cat "$folder/errors"
  fi
}

more=("$@")
killed=137
[[ " $* " == *" process "* ]] && killed=5  # then the process that started the ranks tells of it
for ranks in 1 2 4; do
  last=$((ranks - 1))
  try $ranks "nan-loss@2,rank=$last" 0 "step 2 skipped"
  try $ranks "inf-grad@2,rank=$last" 0 "step 2 skipped"
  try $ranks "oom-forward@2,rank=$last" 0 "rank $last: out of memory"
  try $ranks "oom-backward@2,rank=$last" 0 "rank $last: out of memory"
  try $ranks "oom-forward@2;oom-forward@3;oom-forward@4" 4 "3 steps in a row failed"
  try $ranks "throw@2,rank=$last" 0 "rank $last: an error that was planted"
  try $ranks "throw@2;throw@3;throw@4" 5 "3 steps in a row failed"
  try $ranks "hang@2" 5 "rank [0-9], which is at: forward"
  try $ranks "slow@2,seconds=0.5" 0 "stopped at --max-steps"
  [[ $ranks -gt 1 || $killed == 137 ]] && try $ranks "kill@2,rank=$last" $killed ""
  try $ranks "disk-full@2" 4 "No space left"
  try $ranks "bad-sample@2,rank=$last" 3 "cannot be read, as planted"
  try $ranks "bad-sample@2,rank=$last" 0 "bad sample 1 of at most 9" --max-bad-samples 9
  try $ranks "nan-loss@2;nan-loss@3;inf-grad@4" 0 "step 4 skipped"
  try $ranks "disk-full@1;bad-sample@3" 3 "cannot be read, as planted"
done
# What a fault in step 2 comes to, and how much it outweighs: WEIGHT CODE WORDS.
outcome() {
  case $1 in
    slow) echo "0 0 stopped at --max-steps" ;;
    nan-loss | inf-grad) echo "1 0 step 2 skipped" ;;
    oom-*) echo "2 0 rank $2: out of memory" ;;
    throw) echo "2 0 rank $2: an error that was planted" ;;
    disk-full) echo "3 4 No space left" ;;
    hang) echo "4 5 rank $2, which is at: forward" ;;
    bad-sample) echo "5 3 cannot be read, as planted" ;;
    kill) echo "6 $killed" ;;
  esac
}

# planted KIND RANK: the fault in step 2. A full disk is one for all; who is slow must not be as late as --watchdog, though
# the step is made again.
planted() {
  case $1 in
    slow) echo "slow@2,rank=$2,seconds=0.5" ;;
    disk-full) echo "disk-full@2" ;;
    *) echo "$1@2,rank=$2" ;;
  esac
}

# try_pair RANKS KIND OTHER: the one on the first rank, the other on the last, in the same step.
try_pair() {
  local weight code words other_weight other_code other_words
  read -r weight code words < <(outcome "$2" 0)
  read -r other_weight other_code other_words < <(outcome "$3" $(($1 - 1)))
  if [[ $other_weight -gt $weight ]]; then
    code=$other_code words=$other_words
  fi
  try "$1" "$(planted "$2" 0);$(planted "$3" $(($1 - 1)))" "$code" "$words"
}

kinds=(nan-loss inf-grad oom-forward oom-backward throw hang slow kill disk-full bad-sample)
for ranks in 2 4; do
  for ((i = 0; i < ${#kinds[@]}; ++i)); do
    for ((j = i + 1; j < ${#kinds[@]}; ++j)); do
      [[ ${kinds[i]} == kill && ${kinds[j]} == bad-sample ]] && continue  # whichever comes first
      if (((i + j) % 2)); then
        try_pair $ranks "${kinds[i]}" "${kinds[j]}"
      else
        try_pair $ranks "${kinds[j]}" "${kinds[i]}"
      fi
    done
  done
  try $ranks "disk-full@1;hang@2,rank=1" 5 "rank 1, which is at: forward"
done
if [[ $failed -gt 0 ]]; then
  echo "$failed runs went wrong"
  exit 1
fi
echo "every run ended as it should"
