#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/cache_options.h"
#include "lockstep/models/camouflage_network.h"
#include "lockstep/tasks/camouflage/loss.h"

namespace lockstep::tasks::camouflage {

/// What is to be segmented, and by which network.
struct Options {
  std::filesystem::path dataset_path;
  bool with_negatives = false;  ///< use COD10K's images without an object, too
  bool hold_out = true;         ///< without a test set, hold out a fifth of the images; else they are all the test set
  std::int64_t image_size = 352;  ///< side of the square that the network sees, in pixels; a multiple of 32
  bool augment = true;            ///< crop, flip and colour training images at random
  std::string multi_scale;        ///< factors of image_size, one of which is drawn for each step: "0.75,1,1.25"
  bool test_time_flip = false;    ///< average the answers for an image and its mirror image
  bool deep_supervision = false;  ///< losses on side outputs
  data::CacheOptions cache;       ///< where decoded pixels are kept
  LossWeights loss;
  models::CamouflageNetworkOptions network;  ///< but for heads, which follow from the losses: network_options()

  /// The network with the heads that the losses ask for.
  models::CamouflageNetworkOptions network_options() const;

  /// The factors of multi_scale; empty where it is. Throws UsageError where they cannot be read.
  std::vector<double> scales() const;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// The side of a square image scaled by a factor: the nearest multiple of 32, at least 32.
std::int64_t scaled_side(std::int64_t side, double factor);

}  // namespace lockstep::tasks::camouflage
