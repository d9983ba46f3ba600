"""The scores of a predicted volume of thin sheets with surface-distance, cc3d, scikit-image and SciPy.

usage: volumes.py SIDE
"""

import sys
import time

import cc3d
import numpy as np
from scipy import ndimage
from skimage.metrics import variation_of_information

from protocol import serve

# surface-distance 0.1 uses names that NumPy 2 and newer SciPy no longer have.
np.Inf = np.inf
ndimage.filters = ndimage
ndimage.morphology = ndimage
import surface_distance  # noqa: E402

SIDE = int(sys.argv[1])


def make_sheets(moved, flipped):
    z, y, x = np.ogrid[:SIDE, :SIDE, :SIDE]
    wrong = ((np.arange(SIDE**3, dtype=np.uint32) * np.uint32(2654435761) >> 16) % 100 < flipped).reshape((SIDE,) * 3)
    return (np.cos(0.2 * (z + moved) + 2 * np.sin(0.03 * x) + 2 * np.sin(0.04 * y)) > 0.95) != wrong


def surface_dice(prediction, truth):
    distances = surface_distance.compute_surface_distances(truth, prediction, (1, 1, 1))
    surface_distance.compute_surface_dice_at_tolerance(distances, 2)


def components(volume):
    return cc3d.connected_components(volume.astype(np.uint8), connectivity=26)


def voi(prediction, truth):
    either = prediction | truth
    variation_of_information(components(truth)[either], components(prediction)[either])


def milliseconds(work, *arguments):
    start = time.perf_counter()
    work(*arguments)
    return 1e3 * (time.perf_counter() - start)


def run_round():
    truth, prediction = make_sheets(0, 0), make_sheets(1, 1)
    return {
        "distances_ms": milliseconds(ndimage.distance_transform_edt, ~truth),
        "surface_dice_ms": milliseconds(surface_dice, prediction, truth),
        "components_ms": milliseconds(components, prediction),
        "voi_ms": milliseconds(voi, prediction, truth),
    }


serve(run_round)
