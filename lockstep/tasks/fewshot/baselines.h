#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/models/edgenext.h"
#include "lockstep/tasks/fewshot/model.h"

namespace lockstep::tasks::fewshot {

/// What a network must beat: it looks at its own proposals, but compares them with the examples by features that
/// nothing was learnt for, those of a backbone with weights drawn by the seed. A proposal is scored for each class by
/// its objectness times the cosine of its features, cut out at stride 8, with the mean of the examples'.
class RandomFeatures : public FewShotModel {
 public:
  RandomFeatures(const Options& options, std::vector<std::string> names, std::uint64_t seed);

 protected:
  std::vector<models::QueryDetections> detect(const DeviceBatch& batch, std::int64_t episode) override;

 private:
  at::Tensor features_of(const at::Tensor& images, const at::Tensor& boxes);

  nn::LayerCounter layers_;
  std::shared_ptr<models::EdgeNeXt> random_;
};

}  // namespace lockstep::tasks::fewshot
