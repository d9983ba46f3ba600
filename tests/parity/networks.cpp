#include "tests/parity/networks.h"

#include <array>

#include "lockstep/base/random.h"
#include "lockstep/models/edgenext.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::parity {
namespace {

class EdgeNeXtClassifier : public Network {
 public:
  EdgeNeXtClassifier(const models::EdgeNeXtVariant& variant, std::int64_t classes)
      : backbone_(std::make_shared<models::EdgeNeXt>(variant, models::EdgeNeXtOptions{}, layers_)),
        head_(variant.channels.back(), classes) {
    register_module("backbone", backbone_);
    register_module("head", head_);
  }

  at::Tensor forward(const at::Tensor& images) override {
    return head_(backbone_->forward(images).back().mean({2, 3}));
  }

 private:
  nn::LayerCounter layers_;
  std::shared_ptr<models::EdgeNeXt> backbone_;
  torch::nn::Linear head_;
};

/// One convolution stands at two places, with the same weights. All of it is smooth: at the kink of a ReLU a gradient
/// jumps by more than the differences that are looked for.
class SmallBackbone : public torch::nn::Module {
 public:
  SmallBackbone() {
    register_module("stem", stem_);
    register_module("stem_norm", stem_norm_);
    register_module("shared", shared_);
    register_module("first_norm", first_norm_);
    register_module("second_norm", second_norm_);
    register_module("reduce", reduce_);
    register_module("reduce_norm", reduce_norm_);
  }

  /// (batch, 3, side, side) to (batch, 32, side / 4, side / 4)
  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = at::silu(stem_norm_(stem_(images)));
    x = x + at::gelu(first_norm_(shared_(x)));
    x = x + at::gelu(second_norm_(shared_(x)));
    return at::silu(reduce_norm_(reduce_(x)));
  }

 private:
  torch::nn::Conv2d stem_{torch::nn::Conv2dOptions(3, 16, 3).stride(2).padding(1).bias(false)};
  torch::nn::GroupNorm stem_norm_{4, 16};
  torch::nn::Conv2d shared_{torch::nn::Conv2dOptions(16, 16, 3).padding(1)};
  torch::nn::GroupNorm first_norm_{4, 16};
  torch::nn::GroupNorm second_norm_{2, 16};
  torch::nn::Conv2d reduce_{torch::nn::Conv2dOptions(16, 32, 3).stride(2).padding(1)};
  torch::nn::GroupNorm reduce_norm_{8, 32};
};

/// `spare` takes part in nothing, and `rare` in the samples whose first value is high: in many steps, none.
class SmallConvolutions : public Network {
 public:
  explicit SmallConvolutions(std::int64_t classes) : backbone_(std::make_shared<SmallBackbone>()), head_(32, classes) {
    register_module("backbone", backbone_);
    register_module("rare", rare_);
    register_module("head", head_);
    register_parameter("spare", torch::zeros({4, 4}));
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor x = backbone_->forward(images).mean({2, 3});  // (batch, 32)
    const at::Tensor first_values = images.select(1, 0).select(1, 0).select(1, 0);
    const at::Tensor chosen = (first_values > 1.3).nonzero().squeeze(1);
    if (chosen.numel() > 0) {
      x = x.index_add(0, chosen, rare_(x.index_select(0, chosen)));
    }
    return head_(x);
  }

 private:
  std::shared_ptr<SmallBackbone> backbone_;
  torch::nn::Linear rare_{32, 32};
  torch::nn::Linear head_;
};

/// Pooling over neighbours, then a perceptron at each place.
class PoolBlock : public torch::nn::Module {
 public:
  explicit PoolBlock(std::int64_t channels)
      : pool_norm_(1, channels),
        norm_(1, channels),
        widen_(torch::nn::Conv2dOptions(channels, 4 * channels, 1)),
        narrow_(torch::nn::Conv2dOptions(4 * channels, channels, 1)) {
    register_module("pool_norm", pool_norm_);
    pool_scale_ = register_parameter("pool_scale", torch::full({channels, 1, 1}, 1e-2));
    register_module("norm", norm_);
    register_module("widen", widen_);
    register_module("narrow", narrow_);
    scale_ = register_parameter("scale", torch::full({channels, 1, 1}, 1e-2));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor normed = pool_norm_(input);
    const at::Tensor pooled = at::avg_pool2d(normed, 3, 1, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
    const at::Tensor x = input + pool_scale_ * (pooled - normed);
    return x + scale_ * narrow_(at::gelu(widen_(norm_(x))));
  }

 private:
  torch::nn::GroupNorm pool_norm_;
  at::Tensor pool_scale_;
  torch::nn::GroupNorm norm_;
  torch::nn::Conv2d widen_;
  torch::nn::Conv2d narrow_;
  at::Tensor scale_;
};

/// 11.4 M parameters in 132 tensors: four stages as those of PoolFormer-S12 (Yu et al., "MetaFormer is actually what
/// you need for vision", CVPR 2022).
class PoolNetwork : public Network {
 public:
  explicit PoolNetwork(std::int64_t classes) : norm_(1, kChannels.back()), head_(kChannels.back(), classes) {
    backbone_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, kChannels[0], 7).stride(4).padding(2)));
    for (std::size_t stage = 0; stage < kChannels.size(); ++stage) {
      if (stage > 0) {
        const auto reduction = torch::nn::Conv2dOptions(kChannels[stage - 1], kChannels[stage], 3).stride(2).padding(1);
        backbone_->push_back(torch::nn::Conv2d(reduction));
      }
      for (int block = 0; block < kDepths[stage]; ++block) {
        backbone_->push_back(std::make_shared<PoolBlock>(kChannels[stage]));
      }
    }
    register_module("backbone", backbone_);
    register_module("norm", norm_);
    register_module("head", head_);
  }

  at::Tensor forward(const at::Tensor& images) override {
    return head_(norm_(backbone_->forward(images)).mean({2, 3}));
  }

 private:
  static constexpr std::array<std::int64_t, 4> kChannels{64, 128, 320, 512};
  static constexpr std::array<int, 4> kDepths{2, 2, 6, 2};

  torch::nn::Sequential backbone_;
  torch::nn::GroupNorm norm_;
  torch::nn::Linear head_;
};

/// Gives every weight a random part.
void disturb(torch::nn::Module& network, std::uint64_t seed) {
  const at::NoGradGuard no_gradient;
  std::uint32_t number = 0;
  for (const auto& item : network.named_parameters()) {
    RandomStream stream({seed, Purpose::kWeights, /*time=*/1, 0, number++});
    at::Tensor noise = at::empty(item.value().sizes(), at::kFloat);
    for (std::int64_t i = 0; i < noise.numel(); ++i) {
      noise.data_ptr<float>()[i] = static_cast<float>(stream.normal());
    }
    item.value().add_(noise, item.value().dim() > 1 ? 0.02 : 0.1);
  }
}

}  // namespace

std::shared_ptr<Network> make_network(const std::string& name, std::int64_t classes, std::uint64_t seed) {
  std::shared_ptr<Network> network;
  if (name == "small_convolutions") {
    network = std::make_shared<SmallConvolutions>(classes);
  } else if (name == "pool_network") {
    network = std::make_shared<PoolNetwork>(classes);
  } else {
    network = std::make_shared<EdgeNeXtClassifier>(models::edgenext_variant(name), classes);
  }
  nn::initialise(*network, seed);
  disturb(*network, seed);
  return network;
}

}  // namespace lockstep::parity
