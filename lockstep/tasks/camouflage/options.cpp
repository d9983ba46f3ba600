#include "lockstep/tasks/camouflage/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::tasks::camouflage {
namespace {

constexpr std::int64_t kStride = 32;

void check_weight(const char* flag, double weight) {
  if (!(weight >= 0 && std::isfinite(weight))) {
    throw UsageError(text(flag, " ", weight, " is no weight"), "give a number, at least 0");
  }
}

}  // namespace

models::CamouflageNetworkOptions Options::network_options() const {
  models::CamouflageNetworkOptions with_heads = network;
  with_heads.boundary_head = loss.boundary > 0;
  with_heads.side_outputs = deep_supervision;
  return with_heads;
}

std::vector<double> Options::scales() const {
  constexpr double kSmallest = 0.25;
  constexpr double kLargest = 4;
  std::vector<double> factors;
  std::size_t begin = 0;
  while (!multi_scale.empty() && begin <= multi_scale.size()) {
    const std::size_t end = std::min(multi_scale.find(',', begin), multi_scale.size());
    const std::string_view word = std::string_view(multi_scale).substr(begin, end - begin);
    double factor = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), factor);
    if (error != std::errc() || rest != word.data() + word.size() || !(factor >= kSmallest && factor <= kLargest)) {
      throw UsageError(text("--multi-scale '", multi_scale, "': '", std::string(word), "' is no factor"),
                       text("give numbers from ", kSmallest, " to ", kLargest, ", such as 0.75,1,1.25"));
    }
    factors.push_back(factor);
    begin = end + 1;
  }
  return factors;
}

std::int64_t scaled_side(std::int64_t side, double factor) {
  return std::max<std::int64_t>(kStride, std::llround(static_cast<double>(side) * factor / kStride) * kStride);
}

void Options::validate() const {
  if (dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of the dataset");
  }
  if (image_size < kStride || image_size % kStride != 0) {
    throw UsageError(text("--img-size ", image_size, " does not suit the network"),
                     text("give a multiple of 32, such as ", (image_size / kStride + 1) * kStride));
  }
  check_weight("--boundary-weight", loss.boundary);
  check_weight("--side-weight", loss.side);
  check_weight("--moe-balance", loss.balance);
  scales();
  cache.validate();
  network.validate();
}

}  // namespace lockstep::tasks::camouflage
