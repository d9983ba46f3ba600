#include "lockstep/models/residual_unet.h"

#include "lockstep/base/error.h"
#include "lockstep/models/residual_unet_blocks.h"
#include "lockstep/nn/activation_checkpoint.h"

namespace lockstep::models {
namespace {

torch::nn::ModuleList make_encoder_scale(const UnetStage& stage, const UnetStage* finer) {
  torch::nn::ModuleList blocks;
  if (finer == nullptr) {
    blocks->push_back(std::make_shared<UnetStem>(stage.channels, stage.kernel));
  }
  for (std::int64_t block = 0; block < stage.blocks; ++block) {
    const bool changes_scale = finer != nullptr && block == 0;
    blocks->push_back(std::make_shared<ResidualUnetBlock>(changes_scale ? finer->channels : stage.channels,
                                                          stage.channels, stage.kernel,
                                                          changes_scale ? stage.stride : Extent{1, 1, 1}));
  }
  return blocks;
}

/// The format of a tensor with one channel is told by its strides alone, which contiguous() leaves as they are.
at::Tensor with_channels_last(const at::Tensor& volumes) {
  return at::empty(volumes.sizes(), volumes.options(), at::MemoryFormat::ChannelsLast3d).copy_(volumes);
}

torch::nn::Conv3d head_of(const UnetStage& stage) {
  return torch::nn::Conv3d(torch::nn::Conv3dOptions(stage.channels, 1, 1));
}

}  // namespace

ResidualUnet::ResidualUnet(const ResidualUnetOptions& options)
    : gradient_checkpointing_(options.gradient_checkpointing),
      encoder_(register_module("encoder", torch::nn::ModuleList())),
      decoder_(register_module("decoder", torch::nn::ModuleList())),
      head_(nullptr),
      side_heads_(nullptr) {
  const std::vector<UnetStage> stages = plan_unet(options.plan);
  for (std::size_t scale = 0; scale < stages.size(); ++scale) {
    encoder_->push_back(make_encoder_scale(stages[scale], scale > 0 ? &stages[scale - 1] : nullptr));
  }
  for (std::size_t scale = 0; scale + 1 < stages.size(); ++scale) {
    decoder_->push_back(std::make_shared<UnetUpBlock>(stages[scale], stages[scale + 1]));
  }
  head_ = register_module("head", head_of(stages.front()));
  if (options.side_outputs) {
    side_heads_ = register_module("side_heads", torch::nn::ModuleList());
    for (std::size_t scale = 1; scale + 1 < stages.size(); ++scale) {
      side_heads_->push_back(head_of(stages[scale]));
    }
  }
}

void ResidualUnet::set_memory_format(at::MemoryFormat format) {
  channels_last_ = format != at::MemoryFormat::Contiguous;
}

VolumeOutputs ResidualUnet::forward(const at::Tensor& volumes) {
  LOCKSTEP_ASSERT(volumes.dim() == 5 && volumes.size(1) == 1, "volumes are (batch, 1, depth, height, width)");
  std::vector<at::Tensor> features{channels_last_ && volumes.is_cpu() ? with_channels_last(volumes)
                                                                      : volumes.contiguous()};
  for (std::size_t scale = 0; scale < encoder_->size(); ++scale) {
    features.push_back(encode(scale, features.back()));
  }
  VolumeOutputs outputs;
  at::Tensor x = features.back();
  for (std::size_t scale = decoder_->size(); scale-- > 0;) {
    x = decode(scale, x, features[scale + 1]);
    if (scale > 0 && is_training() && side_heads_) {
      outputs.sides.insert(outputs.sides.begin(), side_heads_[scale - 1]->as<torch::nn::Conv3d>()->forward(x));
    }
  }
  outputs.logits = head_->forward(x);
  return outputs;
}

at::Tensor ResidualUnet::encode(std::size_t scale, const at::Tensor& finer) {
  at::Tensor x = finer;
  for (const auto& module : *encoder_[scale]->as<torch::nn::ModuleList>()) {
    const auto forward = [block = module->as<UnetBlock>()](const at::Tensor& input) { return block->forward(input); };
    x = gradient_checkpointing_ ? nn::checkpointed(module, x, forward) : forward(x);
  }
  return x;
}

at::Tensor ResidualUnet::decode(std::size_t scale, const at::Tensor& coarser, const at::Tensor& skipped) {
  const auto forward = [block = decoder_[scale]->as<UnetUpBlock>()](const std::vector<at::Tensor>& inputs) {
    return std::vector{block->forward(inputs[0], inputs[1])};
  };
  const std::vector<at::Tensor> inputs{coarser, skipped};
  return gradient_checkpointing_ ? nn::checkpointed({decoder_[scale]}, inputs, forward).front()
                                 : forward(inputs).front();
}

}  // namespace lockstep::models
