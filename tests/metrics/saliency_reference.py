"""Pairs of predictions and masks with the metrics that PySODMetrics gives them.

usage: saliency_reference.py OUTPUT_FOLDER [FOLDER_WITH_preds/_AND_masks/]

Without the second folder the pairs are made up. Writes for each pair <name>.prediction and <name>.mask (raw bytes) and
a line of expected.txt: name width height, then each metric and its value. The line "all" has those of the set.
"""

import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import py_sod_metrics as sod

warnings.simplefilter("ignore")


def blobs(rng, height, width, count):
    y, x = np.mgrid[:height, :width]
    image = np.zeros((height, width))
    for _ in range(count):
        centre_y, centre_x = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(1, 2 + 0.4 * max(height, width))
        image = np.maximum(image, np.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / radius**2))
    return image


def grey(values):
    return np.clip(np.round(255 * values), 0, 255).astype(np.uint8)


def made_up_pairs():
    rng = np.random.default_rng(20)
    pairs = {}
    sizes = [(64, 64), (37, 53), (101, 30), (8, 9), (200, 131), (1, 40), (40, 1), (2, 2), (3, 5), (129, 257), (240, 320)]
    for height, width in sizes:
        shape = f"{height}x{width}"
        mask = grey(blobs(rng, height, width, 3) > 0.5)
        soft = np.clip(blobs(rng, height, width, 2) + rng.normal(0, 0.1, (height, width)), 0, 1)
        near = np.clip(cv2.GaussianBlur(mask / 255, (0, 0), 2) + rng.normal(0, 0.05, (height, width)), 0, 1)
        pairs[f"blobs_{shape}"] = grey(soft), mask
        pairs[f"near_{shape}"] = grey(near), mask
        pairs[f"narrow_levels_{shape}"] = grey(0.4 + 0.1 * near), mask
        pairs[f"noise_{shape}"] = grey(rng.uniform(0, 1, (height, width))), grey(rng.uniform(0, 1, (height, width)))
        pairs[f"binary_{shape}"] = grey(near > 0.3), mask
        pairs[f"perfect_{shape}"] = mask, mask
        pairs[f"inverted_{shape}"] = 255 - mask, mask
        pairs[f"empty_mask_{shape}"] = grey(soft), 0 * mask
        pairs[f"full_mask_{shape}"] = grey(soft), 0 * mask + 255
        pairs[f"empty_both_{shape}"] = 0 * mask, 0 * mask
        for level in (0, 1, 77, 128, 200, 255):
            pairs[f"constant_{level}_{shape}"] = 0 * mask + np.uint8(level), mask
        dot = 0 * mask
        dot[height // 3, width // 3] = 255
        pairs[f"dot_{shape}"] = grey(soft), dot
        dots = np.where(rng.uniform(0, 1, (height, width)) < 0.02, 255, 0).astype(np.uint8)
        pairs[f"dots_{shape}"] = grey(rng.uniform(0, 1, (height, width))), dots
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pairs["mask_levels"] = levels.T.copy(), levels
    return pairs


def pairs_of_folder(folder):
    pairs = {}
    for mask in sorted((folder / "masks").iterdir()):
        prediction = folder / "preds" / mask.name
        pairs[mask.stem] = tuple(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (prediction, mask))
    return pairs


def fixed_threshold_overlap(prediction, mask):
    predicted, actual = prediction / 255 >= 0.5, mask > 128
    both, either = (predicted & actual).sum(), (predicted | actual).sum()
    total = predicted.sum() + actual.sum()
    return (both / either if either else 1.0, 2 * both / total if total else 1.0)


def metrics(pairs):
    meters = {"s": sod.Smeasure(), "w": sod.WeightedFmeasure(), "f": sod.Fmeasure(), "e": sod.Emeasure(),
              "mae": sod.MAE(), "overlap": sod.FmeasureV2({
                  "iou": sod.IOUHandler(with_dynamic=True, with_adaptive=False),
                  "dice": sod.DICEHandler(with_dynamic=True, with_adaptive=False)})}  # fmt: skip
    fixed = []
    for prediction, mask in pairs:
        for meter in meters.values():
            meter.step(prediction, mask)
        fixed.append(fixed_threshold_overlap(prediction, mask))
    f, e = meters["f"].get_results()["fm"], meters["e"].get_results()["em"]
    overlap = meters["overlap"].get_results()
    iou, dice = np.mean(fixed, axis=0)
    return {"s_measure": meters["s"].get_results()["sm"], "weighted_f": meters["w"].get_results()["wfm"],
            "mean_f": f["curve"].mean(), "adaptive_f": f["adp"], "max_f": f["curve"].max(),
            "mean_e": e["curve"].mean(), "adaptive_e": e["adp"], "max_e": e["curve"].max(),
            "mae": meters["mae"].get_results()["mae"], "iou": iou, "dice": dice,
            "mean_iou": overlap["iou"]["dynamic"].mean(), "mean_dice": overlap["dice"]["dynamic"].mean()}  # fmt: skip


def main():
    output = Path(sys.argv[1])
    pairs = pairs_of_folder(Path(sys.argv[2])) if len(sys.argv) > 2 else made_up_pairs()
    with np.errstate(all="ignore"):
        expected = {name: metrics([pair]) for name, pair in pairs.items()}
        # PySODMetrics has no S-measure where the object's centre lies in the last row or column.
        expected = {name: values for name, values in expected.items() if np.isfinite(values["s_measure"])}
        whole_set = metrics([pairs[name] for name in expected])
    with open(output / "expected.txt", "w") as file:
        for name, values in expected.items():
            prediction, mask = pairs[name]
            (output / f"{name}.prediction").write_bytes(prediction.tobytes())
            (output / f"{name}.mask").write_bytes(mask.tobytes())
            print(name, mask.shape[1], mask.shape[0], *(f"{k} {v:.17g}" for k, v in values.items()), file=file)
        print("all", 0, 0, *(f"{k} {v:.17g}" for k, v in whole_set.items()), file=file)


if __name__ == "__main__":
    main()
