"""Pairs of volumes with the scores and components that packages of Python give them.

usage: volume_scores_reference.py OUTPUT_FOLDER [FOLDER_OF_LABELS.tif]

Without the second folder the volumes are made up. Writes for each pair <name>.prediction and <name>.truth (raw labels),
<name>.faces and <name>.corners (uint32, the components of the prediction), <name>.distances (int32, from each voxel to
the nearest of the prediction's, squared; only of made up volumes with foreground) and a line of expected.txt: name depth
height width, then each score and its value. Surface Dice is that of surface-distance, the variation of information that
of scikit-image over components that cc3d finds, distances and the other components are SciPy's.
"""

import sys
from pathlib import Path

import cc3d
import numpy as np
from scipy import ndimage
from skimage.metrics import variation_of_information

# surface-distance 0.1 uses names that NumPy 2 and newer SciPy no longer have.
np.Inf = np.inf
ndimage.filters = ndimage
ndimage.morphology = ndimage
import surface_distance  # noqa: E402

IGNORE = 2


def blobs(rng, shape, sigma):
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return field / (field.std() + 1e-12)


def made_up_pairs():
    rng = np.random.default_rng(7)
    for shape in [(24, 33, 41), (1, 20, 30), (30, 1, 9), (5, 7, 1), (1, 1, 1), (2, 2, 2), (17, 16, 15), (40, 24, 56)]:
        name = "x".join(map(str, shape))
        field = blobs(rng, shape, 2)
        sheets = (np.abs(field) < 0.3).astype(np.uint8)
        near = (np.abs(field + 0.1 * rng.normal(size=shape)) < 0.25).astype(np.uint8)
        moved = np.roll(sheets, 3, axis=2)
        noise = (rng.random(shape) < 0.2).astype(np.uint8)
        ignored = np.where(blobs(rng, shape, 3) > 1, IGNORE, sheets).astype(np.uint8)
        yield f"near_{name}", near, sheets
        yield f"same_{name}", sheets, sheets
        yield f"moved_{name}", moved, sheets
        yield f"noise_{name}", noise, (rng.random(shape) < 0.3).astype(np.uint8)
        yield f"ignored_{name}", near, ignored
        yield f"all_ignored_{name}", near, np.full(shape, IGNORE, np.uint8)
        yield f"empty_prediction_{name}", 0 * sheets, sheets | noise
        yield f"empty_truth_{name}", sheets | noise, 0 * sheets
        yield f"empty_both_{name}", 0 * sheets, 0 * sheets
        yield f"full_{name}", 0 * sheets + 1, sheets


def pairs_of_folder(folder):
    import tifffile

    rng = np.random.default_rng(8)
    for path in sorted(folder.glob("*.tif")):
        truth = np.ascontiguousarray(tifffile.imread(path)[:, :200, :300]).astype(np.uint8)
        surface = truth == 1
        flipped = np.where(ndimage.gaussian_filter(rng.normal(size=truth.shape), 1) > 0.35, 1 - surface, surface)
        grown = ndimage.binary_dilation(surface) & ~(blobs(rng, truth.shape, 4) > 1)
        yield f"flipped_{path.stem}", flipped.astype(np.uint8), truth
        yield f"grown_{path.stem}", grown.astype(np.uint8), truth


def scores(prediction, truth):
    decided = truth != IGNORE
    predicted, actual = (prediction == 1) & decided, (truth == 1) & decided
    both = predicted[decided].sum() + actual[decided].sum()
    result = {"dice": 2 * (predicted & actual)[decided].sum() / both if both else 1.0}
    if predicted.any() and actual.any():
        distances = surface_distance.compute_surface_distances(actual, predicted, (1, 1, 1))
        result["surface_dice"] = surface_distance.compute_surface_dice_at_tolerance(distances, 2)
    else:
        result["surface_dice"] = float(predicted.any() == actual.any())
    either = predicted | actual
    result["voi_split"] = result["voi_merge"] = 0.0
    if either.any():
        labels = [cc3d.connected_components(mask.astype(np.uint8), connectivity=26)[either]
                  for mask in (predicted, actual)]  # fmt: skip
        result["voi_split"], result["voi_merge"] = variation_of_information(labels[1], labels[0])
    result["voi_score"] = 1 / (1 + 0.3 * (result["voi_split"] + result["voi_merge"]))
    return result


def main():
    output = Path(sys.argv[1])
    is_made_up = len(sys.argv) == 2
    with open(output / "expected.txt", "w") as file:
        for name, prediction, truth in made_up_pairs() if is_made_up else pairs_of_folder(Path(sys.argv[2])):
            (output / f"{name}.prediction").write_bytes(prediction.tobytes())
            (output / f"{name}.truth").write_bytes(truth.tobytes())
            for kind, neighbours in (("faces", 1), ("corners", 3)):
                labels, _ = ndimage.label(prediction, ndimage.generate_binary_structure(3, neighbours))
                (output / f"{name}.{kind}").write_bytes(labels.astype(np.uint32).tobytes())
            if is_made_up and prediction.any():
                squared = np.round(ndimage.distance_transform_edt(prediction == 0) ** 2).astype(np.int32)
                (output / f"{name}.distances").write_bytes(squared.tobytes())
            values = scores(prediction, truth)
            print(name, *prediction.shape, *(f"{k} {v:.17g}" for k, v in values.items()), file=file)


if __name__ == "__main__":
    main()
