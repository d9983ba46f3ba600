#include "lockstep/models/pyramid_decoder.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/resize.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kGroups = 8;

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
}

PyramidDecoder::PyramidDecoder(const PyramidDecoderOptions& options, nn::LayerCounter& layers)
    : laterals_(register_module("laterals", torch::nn::ModuleList())),
      fusions_(register_module("fusions", torch::nn::ModuleList())),
      dropout_(register_module("dropout", std::make_shared<nn::ChannelDropout>(options.dropout, layers.next()))),
      head_(register_module("head", pointwise(options.width, 1))) {
  options.validate();
  for (const std::int64_t channels : options.channels) {
    laterals_->push_back(pointwise(channels, options.width));
  }
  for (std::size_t scale = 0; scale + 1 < options.channels.size(); ++scale) {
    fusions_->push_back(std::make_shared<Fusion>(options.width));
  }
}

at::Tensor PyramidDecoder::forward(const std::vector<at::Tensor>& features) {
  LOCKSTEP_ASSERT(features.size() == laterals_->size(), "one feature map a scale");
  const auto lateral = [&](std::size_t scale) {
    return laterals_[scale]->as<torch::nn::Conv2d>()->forward(features[scale]);
  };
  at::Tensor x = lateral(features.size() - 1);
  for (std::size_t scale = features.size() - 1; scale-- > 0;) {
    const at::Tensor detail = lateral(scale);
    const at::Tensor context = nn::resize_bilinear(x, detail.size(2), detail.size(3));
    x = fusions_[scale]->as<Fusion>()->forward(detail + context);
  }
  return head_->forward(dropout_->forward(x));
}

}  // namespace lockstep::models
