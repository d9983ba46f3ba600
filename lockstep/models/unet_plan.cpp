#include "lockstep/models/unet_plan.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kMostChannels = 320;
constexpr std::int64_t kLeastSide = 4;
constexpr std::size_t kMostStages = 6;
constexpr std::int64_t kMostBlocks = 32;
constexpr std::int64_t kMostSide = 4096;

bool is_thin(const Extent& size, std::size_t axis) { return 2 * size[axis] < *std::ranges::max_element(size); }

Extent kernel_for(const Extent& size) {
  Extent kernel{};
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    kernel[axis] = is_thin(size, axis) ? 1 : 3;
  }
  return kernel;
}

Extent stride_from(const Extent& size) {
  Extent stride{};
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    stride[axis] = !is_thin(size, axis) && size[axis] >= 2 * kLeastSide ? 2 : 1;
  }
  return stride;
}

Extent divided(const Extent& size, const Extent& stride) {
  Extent smaller{};
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    smaller[axis] = (size[axis] + stride[axis] - 1) / stride[axis];
  }
  return smaller;
}

}  // namespace

std::vector<std::int64_t> UnetPlanOptions::block_counts() const {
  std::vector<std::int64_t> counts;
  std::size_t begin = 0;
  while (begin <= blocks.size()) {
    const std::size_t end = std::min(blocks.find(',', begin), blocks.size());
    const std::string_view word = std::string_view(blocks).substr(begin, end - begin);
    std::int64_t count = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (error != std::errc() || rest != word.data() + word.size() || count < 1 || count > kMostBlocks) {
      throw UsageError(text("--encoder-blocks '", blocks, "': '", std::string(word), "' is no number of blocks"),
                       text("give numbers from 1 to ", kMostBlocks, ", such as 1,2,2,2"));
    }
    counts.push_back(count);
    begin = end + 1;
  }
  return counts;
}

void UnetPlanOptions::validate() const {
  if (std::ranges::any_of(patch, [](std::int64_t side) { return side < 1 || side > kMostSide; })) {
    throw UsageError(text("a patch of ", to_text(patch), " voxels does not suit the network"),
                     text("give --patch-size sides from 1 to ", kMostSide));
  }
  if (patch[0] * patch[1] * patch[2] < 2) {
    throw UsageError("--patch-size has one voxel, of which no norm can be taken", "give a larger one");
  }
  if (width < 1 || width > kMostChannels) {
    throw UsageError(text("--width ", width, " does not suit the network"), text("give 1 to ", kMostChannels));
  }
  block_counts();
}

std::vector<UnetStage> plan_unet(const UnetPlanOptions& options) {
  options.validate();
  const std::vector<std::int64_t> blocks = options.block_counts();
  std::vector<UnetStage> stages;
  Extent size = options.patch;
  Extent stride{1, 1, 1};
  do {
    const std::size_t index = stages.size();
    stages.push_back({stride, kernel_for(size), size, std::min(options.width << index, kMostChannels),
                      blocks[std::min(index, blocks.size() - 1)]});
    stride = stride_from(size);
    size = divided(size, stride);
  } while (stages.size() < kMostStages && stride != Extent{1, 1, 1});
  return stages;
}

std::int64_t values_kept_for_backward(const std::vector<UnetStage>& stages, bool checkpointed) {
  // In feature maps of the scale: a block keeps two convolutions and two norms, the first one of a scale also its
  // shortcut; a step up its convolution and norm, and both halves that it mixes.
  constexpr std::int64_t kOfBlock = 4;
  constexpr std::int64_t kOfStart = 2;
  constexpr std::int64_t kOfStepUp = 4;
  std::int64_t kept = 0;
  std::int64_t largest_block = 0;
  for (std::size_t scale = 0; scale < stages.size(); ++scale) {
    const UnetStage& stage = stages[scale];
    const std::int64_t map = stage.size[0] * stage.size[1] * stage.size[2] * stage.channels;
    const std::int64_t steps_up = scale + 1 < stages.size() ? 1 : 0;
    const std::int64_t inside = kOfStart + kOfBlock * stage.blocks + kOfStepUp * steps_up;
    const std::int64_t at_seams = 1 + stage.blocks + steps_up;
    kept += map * (checkpointed ? at_seams : inside);
    largest_block = std::max(largest_block, map * std::max(kOfBlock + kOfStart, kOfStepUp * steps_up));
  }
  return kept + (checkpointed ? largest_block : 0);
}

std::string to_text(const Extent& extent) { return text(extent[0], " × ", extent[1], " × ", extent[2]); }

}  // namespace lockstep::models
