"""What DistributedDataParallel over Gloo adds to forward and backward.

usage: sync.py SIDE BATCH
"""

import statistics
import sys

import torch
import torch.distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from networks import make_network
from protocol import CLASSES, milliseconds, serve_ranks

side, batch = int(sys.argv[1]), int(sys.argv[2])
PAIRS = 5


def prepare(rank):
    network = DistributedDataParallel(make_network("pool_network", CLASSES), gradient_as_bucket_view=True, broadcast_buffers=False)
    images = torch.randn(batch, 3, side, side)
    labels = torch.randint(0, CLASSES, (batch,))

    def step():
        F.cross_entropy(network(images), labels).backward()

    def step_without_sync():
        with network.no_sync():
            step()

    def measure(work):
        dist.barrier()
        return milliseconds(work)

    def run_round():
        pairs = [(measure(step_without_sync), measure(step)) for _ in range(PAIRS)]
        return {
            "without_sync_ms": statistics.median(without for without, _ in pairs),
            "with_sync_ms": statistics.median(with_sync for _, with_sync in pairs),
            "cost_ms": statistics.median(with_sync - without for without, with_sync in pairs),
        }

    return run_round


serve_ranks(2, prepare)
