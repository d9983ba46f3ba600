#include "lockstep/models/pyramid_decoder.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/activation_checkpoint.h"
#include "lockstep/nn/resize.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kGroups = 8;
constexpr std::size_t kExpertScale = 1;  // 1/8 of the resolution

torch::nn::Conv2d pointwise(std::int64_t from, std::int64_t to) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 1));
}

/// Mixes what was added at one scale.
class Fusion : public torch::nn::Module {
 public:
  // A bias before a norm would be taken out again.
  explicit Fusion(std::int64_t width)
      : conv_(register_module("conv",
                              torch::nn::Conv2d(torch::nn::Conv2dOptions(width, width, 3).padding(1).bias(false)))),
        norm_(register_module("norm", torch::nn::GroupNorm(kGroups, width))) {}

  at::Tensor forward(const at::Tensor& x) { return at::gelu(norm_->forward(conv_->forward(x))); }

 private:
  torch::nn::Conv2d conv_;
  torch::nn::GroupNorm norm_;
};

}  // namespace

void PyramidDecoderOptions::validate() const {
  if (width < kGroups || width % kGroups != 0) {
    throw UsageError(text("--decoder-width ", width, " cannot be divided into ", kGroups, " groups"),
                     text("give a multiple of ", kGroups));
  }
  if (!(dropout >= 0.0 && dropout < 1.0)) {
    throw UsageError(text("--dropout ", dropout, " is no probability below 1"), "give a number from 0 to 0.9");
  }
  nn::ExpertsOptions{width, num_experts, moe_top_k}.validate();
}

PyramidDecoder::PyramidDecoder(const PyramidDecoderOptions& options, nn::LayerCounter& layers)
    : gradient_checkpointing_(options.gradient_checkpointing),
      laterals_(register_module("laterals", torch::nn::ModuleList())),
      fusions_(register_module("fusions", torch::nn::ModuleList())),
      dropout_(register_module("dropout", std::make_shared<nn::ChannelDropout>(options.dropout, layers.next()))),
      head_(register_module("head", pointwise(options.width, 1))),
      boundary_head_(nullptr),
      side_heads_(nullptr) {
  options.validate();
  for (const std::int64_t channels : options.channels) {
    laterals_->push_back(pointwise(channels, options.width));
  }
  for (std::size_t scale = 0; scale + 1 < options.channels.size(); ++scale) {
    fusions_->push_back(std::make_shared<Fusion>(options.width));
  }
  const nn::ExpertsOptions experts{options.width, options.num_experts, options.moe_top_k};
  if (experts.any()) {
    experts_ = register_module("experts", std::make_shared<nn::Experts>(experts));
  }
  if (options.boundary_head) {
    boundary_head_ = register_module(
        "boundary_head", torch::nn::Sequential(std::make_shared<Fusion>(options.width), pointwise(options.width, 1)));
  }
  if (options.side_outputs) {
    side_heads_ = register_module("side_heads", torch::nn::ModuleList());
    for (std::size_t scale = 1; scale < options.channels.size(); ++scale) {
      side_heads_->push_back(pointwise(options.width, 1));
    }
  }
}

SegmentationOutputs PyramidDecoder::forward(const std::vector<at::Tensor>& features) {
  LOCKSTEP_ASSERT(features.size() == laterals_->size(), "one feature map a scale");
  SegmentationOutputs outputs;
  const std::size_t coarsest = features.size() - 1;
  at::Tensor x = laterals_[coarsest]->as<torch::nn::Conv2d>()->forward(features[coarsest]);
  for (std::size_t scale = coarsest;; --scale) {
    if (scale < coarsest) {
      x = fuse(scale, features[scale], x);
    }
    if (scale == kExpertScale && experts_) {
      x = consult_experts(x, outputs);
    }
    if (scale == 0) {
      break;
    }
    if (is_training() && side_heads_) {
      outputs.sides.insert(outputs.sides.begin(), side_heads_[scale - 1]->as<torch::nn::Conv2d>()->forward(x));
    }
  }
  outputs.logits = head_->forward(dropout_->forward(x));
  if (is_training() && boundary_head_) {
    outputs.boundary = find_boundary(x);
  }
  return outputs;
}

/// Brings features of a scale to the decoder's width, adds what is known from the coarser ones, and mixes both.
at::Tensor PyramidDecoder::fuse(std::size_t scale, const at::Tensor& features, const at::Tensor& coarser) {
  const auto forward = [this, scale](const std::vector<at::Tensor>& inputs) {
    const at::Tensor detail = laterals_[scale]->as<torch::nn::Conv2d>()->forward(inputs[0]);
    const at::Tensor context = nn::resize_bilinear(inputs[1], detail.size(2), detail.size(3));
    return std::vector{fusions_[scale]->as<Fusion>()->forward(detail + context)};
  };
  const std::vector<at::Tensor> inputs{features, coarser};
  return gradient_checkpointing_ ? nn::checkpointed({laterals_[scale], fusions_[scale]}, inputs, forward).front()
                                 : forward(inputs).front();
}

at::Tensor PyramidDecoder::consult_experts(const at::Tensor& features, SegmentationOutputs& outputs) {
  const auto forward = [this](const std::vector<at::Tensor>& inputs) {
    const nn::ExpertsOutputs answer = experts_->forward(inputs.front());
    std::vector<at::Tensor> tensors{answer.features, answer.load};
    if (answer.balance.defined()) {
      tensors.push_back(answer.balance);
    }
    return tensors;
  };
  const std::vector<at::Tensor> answer =
      gradient_checkpointing_ ? nn::checkpointed({experts_}, {features}, forward) : forward({features});
  outputs.expert_load = answer[1].detach();
  outputs.balance = answer.size() > 2 ? answer[2] : at::Tensor();
  return answer[0];
}

at::Tensor PyramidDecoder::find_boundary(const at::Tensor& features) {
  const auto forward = [this](const at::Tensor& input) { return boundary_head_->forward(input); };
  return gradient_checkpointing_ ? nn::checkpointed(boundary_head_.ptr(), features, forward) : forward(features);
}

}  // namespace lockstep::models
