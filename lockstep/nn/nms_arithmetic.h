#pragma once

// When one box drops another, the same on the processor (nms.cpp) and on the GPU (with_cuda/nms.cu).

#ifdef __CUDACC__
#define LOCKSTEP_EITHER_SIDE __host__ __device__ inline
#else
#define LOCKSTEP_EITHER_SIDE inline
#endif

namespace lockstep::nn {

struct NmsBox {
  float x0;
  float y0;
  float x1;
  float y1;
};

LOCKSTEP_EITHER_SIDE float area_of(NmsBox box) { return (box.x1 - box.x0) * (box.y1 - box.y0); }

/// Whether the intersection over union is above the threshold. Of two boxes without area it is no number, and not
/// above.
LOCKSTEP_EITHER_SIDE bool overlaps(NmsBox a, NmsBox b, double threshold) {
  const float width = (a.x1 < b.x1 ? a.x1 : b.x1) - (a.x0 < b.x0 ? b.x0 : a.x0);
  const float height = (a.y1 < b.y1 ? a.y1 : b.y1) - (a.y0 < b.y0 ? b.y0 : a.y0);
  const float shared = (width > 0 ? width : 0) * (height > 0 ? height : 0);
  return static_cast<double>(shared / (area_of(a) + area_of(b) - shared)) > threshold;
}

}  // namespace lockstep::nn

#undef LOCKSTEP_EITHER_SIDE
