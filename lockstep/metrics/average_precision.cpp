#include "lockstep/metrics/average_precision.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

namespace lockstep::metrics {
namespace {

constexpr std::size_t kThresholds = 10;       // of the IoU …
constexpr double kFirstThreshold = 0.5;       // … from this one …
constexpr double kLastThreshold = 0.95;       // … to this one
constexpr std::size_t kThresholdOf75 = 5;     // which of them is 0.75
constexpr std::size_t kRecalls = 101;         // from 0 to 1
constexpr std::size_t kMostDetections = 100;  // of a category on an image

/// What became of a detection at one threshold.
enum class Verdict : std::uint8_t { kWrong, kRight, kIgnored };

struct Judged {
  double score = 0;
  std::array<Verdict, kThresholds> verdicts{};
};

/// What there is of one category on one image.
struct Scene {
  std::vector<const Detection*> found;
  std::vector<const TrueBox*> truth;
};

bool is_free(const TrueBox& box) { return box.is_crowd || box.is_ignored; }

/// Intersection over union; of a crowd, over the detection.
double overlap(const Detection& found, const TrueBox& truth) {
  const double width = std::min(found.x1, truth.x1) - std::max(found.x0, truth.x0);
  const double height = std::min(found.y1, truth.y1) - std::max(found.y0, truth.y0);
  if (width <= 0 || height <= 0) {
    return 0;
  }
  const double common = width * height;
  const double own = (found.x1 - found.x0) * (found.y1 - found.y0);
  const double all = truth.is_crowd ? own : own + (truth.x1 - truth.x0) * (truth.y1 - truth.y0) - common;
  return common / all;
}

double threshold(std::size_t number) {
  constexpr double kStep = (kLastThreshold - kFirstThreshold) / (kThresholds - 1);
  return number + 1 == kThresholds ? kLastThreshold : kFirstThreshold + static_cast<double>(number) * kStep;
}

double recall(std::size_t number) {
  constexpr double kStep = 1.0 / (kRecalls - 1);
  return number + 1 == kRecalls ? 1.0 : static_cast<double>(number) * kStep;
}

/// The true box that a detection takes, by its place, or none: the one of the largest overlap, of equal ones the last.
/// One that is to be found goes before all that are not. A box is taken once, a crowd as often as wanted.
std::size_t taken_by(const std::vector<double>& overlaps, const std::vector<const TrueBox*>& truth,
                     const std::vector<bool>& is_taken, double least) {
  constexpr double kBelowOne = 1 - 1e-10;
  std::size_t taken = truth.size();
  double best = std::min(least, kBelowOne);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (is_taken[i] && !truth[i]->is_crowd) {
      continue;
    }
    if (taken < truth.size() && !is_free(*truth[taken]) && is_free(*truth[i])) {
      break;
    }
    if (overlaps[i] >= best) {
      best = overlaps[i];
      taken = i;
    }
  }
  return taken;
}

/// The detections of a scene, the surest first, with what became of them.
std::vector<Judged> judge(Scene& scene) {
  std::stable_sort(scene.found.begin(), scene.found.end(),
                   [](const Detection* one, const Detection* other) { return one->score > other->score; });
  scene.found.resize(std::min(scene.found.size(), kMostDetections));
  std::stable_partition(scene.truth.begin(), scene.truth.end(), [](const TrueBox* box) { return !is_free(*box); });
  std::vector<Judged> judged;
  std::array<std::vector<bool>, kThresholds> is_taken;
  is_taken.fill(std::vector<bool>(scene.truth.size()));
  std::vector<double> overlaps(scene.truth.size());
  for (const Detection* found : scene.found) {
    std::transform(scene.truth.begin(), scene.truth.end(), overlaps.begin(),
                   [&](const TrueBox* box) { return overlap(*found, *box); });
    Judged result{.score = found->score};
    for (std::size_t t = 0; t < kThresholds; ++t) {
      const std::size_t place = taken_by(overlaps, scene.truth, is_taken[t], threshold(t));
      if (place < scene.truth.size()) {
        is_taken[t][place] = true;
        result.verdicts[t] = is_free(*scene.truth[place]) ? Verdict::kIgnored : Verdict::kRight;
      }
    }
    judged.push_back(result);
  }
  return judged;
}

/// The mean of the precisions at all recalls. `judged` is sorted by falling score.
double precision_at(const std::vector<Judged>& judged, std::size_t threshold_number, std::size_t boxes) {
  std::vector<double> recalls;
  std::vector<double> precisions;
  double right = 0;
  double wrong = 0;
  for (const Judged& one : judged) {
    right += one.verdicts[threshold_number] == Verdict::kRight ? 1 : 0;
    wrong += one.verdicts[threshold_number] == Verdict::kWrong ? 1 : 0;
    recalls.push_back(right / static_cast<double>(boxes));
    precisions.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  for (std::size_t i = precisions.size(); i-- > 1;) {
    precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  }
  double sum = 0;
  for (std::size_t i = 0; i < kRecalls; ++i) {
    const auto place = std::lower_bound(recalls.begin(), recalls.end(), recall(i)) - recalls.begin();
    sum += place < std::ssize(precisions) ? precisions[static_cast<std::size_t>(place)] : 0;
  }
  return sum / static_cast<double>(kRecalls);
}

/// Scenes by category and image, both rising.
std::map<std::int64_t, std::map<std::int64_t, Scene>> scenes_of(std::span<const Detection> found,
                                                                std::span<const TrueBox> truth) {
  std::map<std::int64_t, std::map<std::int64_t, Scene>> scenes;
  for (const Detection& one : found) {
    scenes[one.category][one.image].found.push_back(&one);
  }
  for (const TrueBox& one : truth) {
    scenes[one.category][one.image].truth.push_back(&one);
  }
  return scenes;
}

CategoryPrecision precision_of(std::int64_t category, std::map<std::int64_t, Scene>& images) {
  CategoryPrecision result{.category = category};
  std::vector<Judged> judged;
  for (auto& [image, scene] : images) {
    result.boxes +=
        static_cast<std::size_t>(std::ranges::count_if(scene.truth, [](const TrueBox* box) { return !is_free(*box); }));
    const std::vector<Judged> here = judge(scene);
    judged.insert(judged.end(), here.begin(), here.end());
  }
  if (result.boxes == 0) {
    return result;
  }
  std::ranges::stable_sort(judged, std::ranges::greater(), &Judged::score);
  for (std::size_t t = 0; t < kThresholds; ++t) {
    const double precision = precision_at(judged, t, result.boxes);
    result.ap += precision / kThresholds;
    result.ap50 = t == 0 ? precision : result.ap50;
    result.ap75 = t == kThresholdOf75 ? precision : result.ap75;
  }
  return result;
}

}  // namespace

AveragePrecision average_precision(std::span<const Detection> found, std::span<const TrueBox> truth) {
  AveragePrecision result;
  auto scenes = scenes_of(found, truth);
  for (auto& [category, images] : scenes) {
    const CategoryPrecision one = precision_of(category, images);
    if (one.boxes > 0) {
      result.categories.push_back(one);
      result.ap += one.ap;
      result.ap50 += one.ap50;
      result.ap75 += one.ap75;
    }
  }
  if (!result.categories.empty()) {
    const auto count = static_cast<double>(result.categories.size());
    result.ap /= count;
    result.ap50 /= count;
    result.ap75 /= count;
  }
  return result;
}

}  // namespace lockstep::metrics
