#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::models {

/// Depth, height, width.
using Extent = std::array<std::int64_t, 3>;

/// One scale of a 3D U-Net.
struct UnetStage {
  Extent stride{1, 1, 1};  ///< from the scale before it to this one
  Extent kernel{3, 3, 3};
  Extent size{};  ///< of the features
  std::int64_t channels = 0;
  std::int64_t blocks = 1;  ///< residual ones of the encoder
};

struct UnetPlanOptions {
  Extent patch{64, 128, 128};          ///< that the network is trained on, in voxels
  std::int64_t width = 16;             ///< channels of the finest scale; each coarser one has twice as many, up to 320
  std::string blocks = "1,2,2,2,2,2";  ///< residual blocks a scale, the finest first; the last number holds on

  /// The numbers of `blocks`. Throws UsageError where they cannot be read.
  std::vector<std::int64_t> block_counts() const;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// The scales of a U-Net for a patch, the finest first, after the rules of nnU-Net's planning (Isensee et al., Nature
/// Methods 2021) with the patch in place of the voxels' spacing: an axis that is less than half as long as the longest
/// one is thin, and gets kernels of 1 and strides of 1 until the others have come down to it; an axis is halved as long
/// as 4 voxels are left, and at most five times.
std::vector<UnetStage> plan_unet(const UnetPlanOptions& options);

/// About how many values forward keeps for backward, for one patch: the results of convolutions, norms and joins.
/// `checkpointed`: with gradient checkpointing, the inputs of all blocks and what is inside of the largest.
std::int64_t values_kept_for_backward(const std::vector<UnetStage>& stages, bool checkpointed);

/// "64 × 128 × 128".
std::string to_text(const Extent& extent);

}  // namespace lockstep::models
