#pragma once

#include <filesystem>

#include "lockstep/models/camouflage_network.h"

namespace lockstep::tasks::camouflage {

/// What is to be segmented, and by which network.
struct Options {
  std::filesystem::path dataset_path;
  bool with_negatives = false;  ///< use COD10K's images without an object, too
  bool hold_out = true;         ///< without a test set, hold out a fifth of the images; else they are all the test set
  std::int64_t image_size = 352;  ///< side of the square that the network sees, in pixels; a multiple of 32
  bool augment = true;            ///< crop, flip and colour training images at random
  models::CamouflageNetworkOptions network;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

}  // namespace lockstep::tasks::camouflage
