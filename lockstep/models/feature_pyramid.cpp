#include "lockstep/models/feature_pyramid.h"

#include "lockstep/base/error.h"
#include "lockstep/nn/resize.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kGroupsOfNorm = 8;

}  // namespace

// A bias before a norm would be taken out again.
ConvNormGelu::ConvNormGelu(std::int64_t from, std::int64_t to)
    : conv_(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 3).padding(1).bias(false)))),
      norm_(register_module("norm", torch::nn::GroupNorm(kGroupsOfNorm, to))) {}

at::Tensor ConvNormGelu::forward(const at::Tensor& x) { return at::gelu(norm_->forward(conv_->forward(x))); }

FeaturePyramid::FeaturePyramid(const std::array<std::int64_t, 3>& channels, std::int64_t width)
    : laterals_(register_module("laterals", torch::nn::ModuleList())),
      fusions_(register_module("fusions", torch::nn::ModuleList())) {
  for (const std::int64_t from : channels) {
    laterals_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(from, width, 1)));
    fusions_->push_back(std::make_shared<ConvNormGelu>(width, width));
  }
}

std::vector<at::Tensor> FeaturePyramid::forward(const std::vector<at::Tensor>& features) {
  LOCKSTEP_ASSERT(features.size() == laterals_->size(), "one feature map a level");
  std::vector<at::Tensor> levels(features.size());
  at::Tensor sum;
  for (std::size_t level = features.size(); level-- > 0;) {
    const at::Tensor detail = laterals_[level]->as<torch::nn::Conv2d>()->forward(features[level]);
    sum = sum.defined() ? detail + nn::resize_bilinear(sum, detail.size(2), detail.size(3)) : detail;
    levels[level] = fusions_[level]->as<ConvNormGelu>()->forward(sum);
  }
  return levels;
}

}  // namespace lockstep::models
