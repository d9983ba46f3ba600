#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lockstep::metrics {

/// A box that was found, by its edges.
struct Detection {
  std::int64_t image = 0;
  std::int64_t category = 0;
  double score = 0;
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
};

/// A box that is there.
struct TrueBox {
  std::int64_t image = 0;
  std::int64_t category = 0;
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
  bool is_crowd = false;    ///< around many objects: what lies in it, however much, is neither right nor wrong
  bool is_ignored = false;  ///< neither right nor wrong to find, once
};

/// The average precision of one category: `ap` is the mean over the IoUs 0.5, 0.55 … 0.95.
struct CategoryPrecision {
  std::int64_t category = 0;
  std::size_t boxes = 0;  ///< that were to be found
  double ap = 0;
  double ap50 = 0;  ///< at IoU 0.5
  double ap75 = 0;  ///< at IoU 0.75
};

/// The means over the categories that have boxes to find; 0 where there is no such category.
struct AveragePrecision {
  double ap = 0;
  double ap50 = 0;
  double ap75 = 0;
  std::vector<CategoryPrecision> categories;  ///< those, in rising order
};

/// COCO's average precision, as pycocotools' COCOeval computes it for boxes of any area and up to 100 detections of a
/// category on an image: precision at the 101 recalls 0, 0.01 … 1, each the best at that recall or a higher one.
/// Detections of the same score count in the order given, images by their numbers. Lin et al., "Microsoft COCO: common
/// objects in context", ECCV 2014; https://cocodataset.org/#detection-eval
AveragePrecision average_precision(std::span<const Detection> found, std::span<const TrueBox> truth);

}  // namespace lockstep::metrics
