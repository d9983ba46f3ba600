"""Random and odd boxes with what torchvision's operators make of them, to FOLDER/roi_align.safetensors,
FOLDER/nms.safetensors and FOLDER/iou.safetensors.

usage: box_operators_reference.py FOLDER
"""

import os
import sys

import torch
from safetensors.torch import save_file
from torchvision import ops

folder = sys.argv[1]
torch.manual_seed(0)
torch.set_num_threads(1)


def random_boxes(count, height, width):
    """Boxes of all sizes, some of which reach over the sides."""
    middle = torch.rand(count, 2) * torch.tensor([width, height]) * 1.2 - 0.1 * torch.tensor([width, height])
    size = torch.rand(count, 2) ** 2 * torch.tensor([width, height])
    return torch.cat([middle - size / 2, middle + size / 2], 1)


def odd_boxes(height, width):
    return torch.tensor([
        [0, 0, width, height],                          # the whole
        [-50, -50, 2 * width, 2 * height],              # more than that
        [5, 5, 5, 5],                                   # nothing
        [5, 5, 5, 40],                                  # without width
        [40, 30, 10, 8],                                # turned inside out
        [width + 100, 5, width + 130, 40],              # beside the image
        [-80, -90, -40, -50],
        [width - 1, height - 1, width, height],         # the last pixel
        [3.25, 4.75, 3.5, 5.0],                         # less than a pixel
        [8, 8, 16, 16], [8, 8, 16, 16],                 # twice
        [4, 4, 4 + 1e-4, 30],
    ], dtype=torch.float32)


def roi_align_cases():
    tensors = {}
    cases = [(2, 5, 12, 17, 8, 7, 2), (3, 1, 9, 9, 16, 3, 0), (1, 19, 24, 24, 4, 1, 3), (2, 4, 1, 6, 8, 2, 0),
             (1, 8, 6, 1, 32, 4, 1), (2, 3, 16, 16, 1, 5, 0)]
    for number, (batch, channels, height, width, stride, size, ratio) in enumerate(cases):
        features = torch.randn(batch, channels, height, width, requires_grad=True)
        boxes = torch.cat([random_boxes(40, height * stride, width * stride), odd_boxes(height * stride, width * stride)])
        rows = torch.cat([torch.randint(batch, (len(boxes), 1)).float(), boxes], 1)
        result = ops.roi_align(features, rows, size, 1 / stride, ratio if ratio > 0 else -1, aligned=True)
        probe = torch.randn_like(result)
        (result * probe).sum().backward()
        tensors |= {f"features.{number}": features.detach(), f"boxes.{number}": rows, f"result.{number}": result.detach(),
                    f"probe.{number}": probe, f"gradient.{number}": features.grad,
                    f"numbers.{number}": torch.tensor([stride, size, ratio])}
    return tensors


def nms_cases():
    tensors = {}
    for number in range(12):
        count = [0, 1, 2, 63, 64, 65, 130, 300, 500, 700, 900, 1100][number]
        boxes = random_boxes(count, 100, 120)
        if number % 3 == 1:  # whole numbers: overlaps that are equal to the threshold, boxes that are the same
            boxes = boxes.round()
        if count > 100:
            boxes[:12] = odd_boxes(100, 120)
        scores = torch.rand(count)
        if number % 2 == 1:  # many scores that are the same
            scores = (scores * 8).round() / 8
        groups = torch.randint(4, (count,))
        threshold = [0.5, 0.3, 0.7, 0.0, 1.0][number % 5]
        tensors |= {f"boxes.{number}": boxes, f"scores.{number}": scores, f"groups.{number}": groups,
                    f"threshold.{number}": torch.tensor([threshold], dtype=torch.float64),
                    f"kept.{number}": ops.nms(boxes, scores, threshold)}
        alone = [ops.nms(boxes[groups == group], scores[groups == group], threshold) for group in range(4)]
        kept = torch.cat([torch.where(groups == group)[0][rows] for group, rows in enumerate(alone)])
        tensors[f"kept_of_groups.{number}"] = kept.sort()[0]
        if number % 2 == 0:
            tensors[f"batched.{number}"] = ops.batched_nms(boxes, scores, groups, threshold)
    return tensors


def iou_cases():
    boxes = torch.cat([random_boxes(60, 100, 120), torch.tensor([[0, 0, 120, 100.0], [5, 5, 6, 6], [110, 90, 119, 99]])])
    others = torch.cat([random_boxes(62, 100, 120), torch.tensor([[0.0, 0, 120, 100]])])
    boxes.requires_grad_()
    generalised = ops.generalized_box_iou(boxes, others).diagonal()
    probe = torch.randn_like(generalised)
    (generalised * probe).sum().backward()
    return {"boxes": boxes.detach(), "others": others, "iou": ops.box_iou(boxes, others).detach(),
            "generalised": generalised.detach().contiguous(), "probe": probe, "gradient": boxes.grad,
            "clipped": ops.clip_boxes_to_image(boxes.detach(), (70, 90))}


for name, tensors in {"roi_align": roi_align_cases(), "nms": nms_cases(), "iou": iou_cases()}.items():
    save_file({key: value.contiguous() for key, value in tensors.items()},
              os.path.join(folder, f"{name}.safetensors"))
