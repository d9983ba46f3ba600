#include "lockstep/models/edgenext.h"

#include <numeric>

#include "lockstep/base/error.h"
#include "lockstep/models/edgenext_blocks.h"
#include "lockstep/nn/activation_checkpoint.h"

namespace lockstep::models {
namespace {

/// What the stages of every variant share.
struct StageShape {
  std::int64_t kernel_size;       // of the convolution blocks
  std::int64_t attention_blocks;  // at the stage's end
  std::int64_t scales;            // groups of channels in an attention block
  bool positional_encoding;
};

constexpr std::array<StageShape, 4> kStages = {{{3, 0, 2, false}, {5, 1, 2, true}, {7, 1, 3, false}, {9, 1, 4, false}}};

/// One stage: halves the resolution (but for the first), then its blocks.
class Stage : public torch::nn::Module {
 public:
  Stage(const EdgeNeXtVariant& variant, std::size_t index, const std::vector<double>& drop_paths,
        bool gradient_checkpointing, nn::LayerCounter& layers)
      : gradient_checkpointing_(gradient_checkpointing),
        downsample_(register_module("downsample", torch::nn::Sequential())),
        blocks_(register_module("blocks", torch::nn::Sequential())) {
    const std::int64_t channels = variant.channels[index];
    const StageShape& shape = kStages[index];
    if (index > 0) {
      const std::int64_t before = variant.channels[index - 1];
      downsample_->push_back(std::make_shared<LayerNorm2d>(before));
      downsample_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(before, channels, 2).stride(2)));
    }
    const auto depth = static_cast<std::size_t>(variant.depths[index]);
    const auto first_attention = depth - static_cast<std::size_t>(shape.attention_blocks);
    for (std::size_t block = 0; block < depth; ++block) {
      if (block < first_attention) {
        blocks_->push_back(std::make_shared<ConvBlock>(channels, shape.kernel_size, drop_paths[block], layers));
      } else {
        const SplitTransposeBlock::Options options{channels, shape.scales, variant.heads, shape.positional_encoding,
                                                   drop_paths[block]};
        blocks_->push_back(std::make_shared<SplitTransposeBlock>(options, layers));
      }
    }
  }

  at::Tensor forward(const at::Tensor& features) {
    const auto downsample = [this](const at::Tensor& input) { return downsample_->forward(input); };
    at::Tensor x = downsample_->is_empty() ? features : run(downsample_.ptr(), features, downsample);
    for (torch::nn::AnyModule& block : *blocks_) {
      x = run(block.ptr(), x, [&block](const at::Tensor& input) { return block.forward(input); });
    }
    return x;
  }

 private:
  /// A block keeps some twelve times its input for backward, so a checkpoint a block leaves less at the peak than one a
  /// stage: there, all blocks of the finest stage would be computed anew at once.
  template <typename Forward>
  at::Tensor run(const std::shared_ptr<torch::nn::Module>& layer, const at::Tensor& input, Forward forward) const {
    return gradient_checkpointing_ ? nn::checkpointed(layer, input, forward) : forward(input);
  }

  bool gradient_checkpointing_;
  torch::nn::Sequential downsample_;
  torch::nn::Sequential blocks_;
};

}  // namespace

const std::vector<EdgeNeXtVariant>& edgenext_variants() {
  static const std::vector<EdgeNeXtVariant> variants = {
      {"edgenext_xx_small", {2, 2, 6, 2}, {24, 48, 88, 168}, 4},
      {"edgenext_x_small", {3, 3, 9, 3}, {32, 64, 100, 192}, 4},
      {"edgenext_small", {3, 3, 9, 3}, {48, 96, 160, 304}, 8},
      {"edgenext_base", {3, 3, 9, 3}, {80, 160, 288, 584}, 8},
  };
  return variants;
}

const EdgeNeXtVariant& edgenext_variant(const std::string& name) {
  std::string names;
  for (const EdgeNeXtVariant& variant : edgenext_variants()) {
    if (variant.name == name) {
      return variant;
    }
    names += (names.empty() ? "" : ", ") + variant.name;
  }
  throw UsageError("unknown backbone '" + name + "'", "--backbone takes one of " + names);
}

EdgeNeXt::EdgeNeXt(const EdgeNeXtVariant& variant, const EdgeNeXtOptions& options, nn::LayerCounter& layers)
    : stem_(register_module("stem", torch::nn::Sequential())),
      stages_(register_module("stages", torch::nn::ModuleList())) {
  stem_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, variant.channels[0], 4).stride(4)));
  stem_->push_back(std::make_shared<LayerNorm2d>(variant.channels[0]));
  const auto last_block = static_cast<double>(std::accumulate(variant.depths.begin(), variant.depths.end(), 0L) - 1);
  double blocks_before = 0;
  for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
    std::vector<double> drop_paths(static_cast<std::size_t>(variant.depths[stage]));
    for (double& probability : drop_paths) {
      probability = options.drop_path * blocks_before++ / last_block;
    }
    stages_->push_back(std::make_shared<Stage>(variant, stage, drop_paths, options.gradient_checkpointing, layers));
  }
}

void EdgeNeXt::set_memory_format(at::MemoryFormat format) {
  memory_format_ = format;
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* norm = module->as<LayerNorm2d>()) {
      norm->set_memory_format(format);
    }
  }
}

std::vector<at::Tensor> EdgeNeXt::forward(const at::Tensor& images) {
  std::vector<at::Tensor> features;
  at::Tensor x = stem_->forward(images.contiguous(memory_format_));
  for (const auto& stage : *stages_) {
    x = stage->as<Stage>()->forward(x);
    features.push_back(x);
  }
  return features;
}

}  // namespace lockstep::models
