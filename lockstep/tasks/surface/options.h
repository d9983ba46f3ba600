#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/patch_options.h"
#include "lockstep/models/residual_unet.h"
#include "lockstep/tasks/surface/loss.h"

namespace lockstep::tasks::surface {

/// Which surface is to be found in which volumes, and by which network.
struct Options {
  std::filesystem::path dataset_path;
  std::string patch_size = "64,128,128";          ///< depth, height, width in voxels
  std::optional<std::int64_t> samples_per_epoch;  ///< patches; none: 16 a volume
  double foreground_share = 1.0 / 3;              ///< of the patches has the surface in its middle
  bool augment = true;                            ///< turn patches, and change their intensities
  double elastic_scale = 0;                       ///< the most by which axes are stretched or shrunk, each for itself
  std::string symmetries = "auto";                ///< "all", "in-plane", "flips", "none", or what suits the patch
  std::string held_out;                           ///< ids of the volumes to evaluate on, with commas between
  double held_out_share = 0.2;                    ///< else, where the test volumes have no labels, of the others
  std::string volume_memory;                      ///< the most that decoded volumes may take, as "8GiB"; empty: half
  std::int64_t width = 16;                        ///< channels of the finest scale
  std::string encoder_blocks = "1,2,2,2,2,2";     ///< residual blocks a scale
  bool deep_supervision = true;                   ///< losses on answers at the coarser scales
  bool gradient_checkpointing = false;
  LossWeights loss;
  double overlap = 0.5;         ///< of neighbouring windows in prediction, as a share of their sides
  bool test_time_flip = false;  ///< average the answers for a window and its seven mirror images

  /// The numbers of patch_size. Throws UsageError where they cannot be read.
  models::Extent patch() const;

  /// The network for a patch.
  models::ResidualUnetOptions network(const models::Extent& patch) const;

  /// How patches of that size are drawn.
  data::PatchOptions patches(const models::Extent& patch) const;

  /// In bytes; none where volume_memory is empty. Throws UsageError.
  std::optional<std::uint64_t> memory_limit() const;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

}  // namespace lockstep::tasks::surface
