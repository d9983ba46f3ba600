#!/usr/bin/env bash
# Installs what is needed, builds, and trains on real photographs with two ranks; then evaluates and predicts. A second
# run goes on from the first: --fresh begins anew.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
scripts/build.sh lockstep_program

lockstep=build/release/lockstep
run=runs/demo
flags=(--dataset-path data/demo --checkpoint-dir "$run" --devices cpu:2 --backbone edgenext_xx_small --img-size 128
       --batch-size 4 --epochs 90 --lr 2e-3 --evaluate-every 10 --seed 1)

"$lockstep" train camouflage "${flags[@]}" "$@"
echo
echo "On the 30 photographs that were held out (IoU is the overlap with the true nuclei; 1 is perfect):"
"$lockstep" evaluate camouflage --checkpoint-dir "$run" --devices cpu:2 --baselines --output "$run/evaluation.json"
echo
"$lockstep" predict camouflage --checkpoint-dir "$run" --devices cpu:2 --input data/demo/test/images
cat <<END

Look at
  $run/report.html                    curves, times, examples (open it in a browser)
  $run/predictions/contact_sheet.png  images beside predictions
  $run/run.jsonl                      one line a step
  $run/model.safetensors              the weights, for Lockstep and for Python
END
