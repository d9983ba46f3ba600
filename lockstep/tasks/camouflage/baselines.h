#pragma once

#include <map>
#include <string>

#include "lockstep/data/dataset.h"

namespace lockstep::tasks::camouflage {

/// The metrics of an answer that does not look at the image: what a network must beat.
struct Baseline {
  std::string name;
  std::map<std::string, double> metrics;
};

/// Over `evaluation_set`: "everything" calls every pixel an object; "mean mask" answers with the mean of the masks of
/// `training_set`, cut at the level that gives the best IoU there. Both sets are data::ImageMaskDataset without
/// augmentation, the second with the original masks.
std::vector<Baseline> measure_baselines(const data::Dataset& training_set, const data::Dataset& evaluation_set);

}  // namespace lockstep::tasks::camouflage
