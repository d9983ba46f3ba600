#include "lockstep/models/camouflage_network.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/resize.h"

namespace lockstep::models {
namespace {

PyramidDecoderOptions decoder_options(const CamouflageNetworkOptions& options) {
  PyramidDecoderOptions decoder;
  decoder.channels = edgenext_variant(options.backbone).channels;
  decoder.width = options.decoder_width;
  decoder.dropout = options.dropout;
  decoder.num_experts = options.num_experts;
  decoder.moe_top_k = options.moe_top_k;
  decoder.boundary_head = options.boundary_head;
  decoder.side_outputs = options.side_outputs;
  decoder.gradient_checkpointing = options.gradient_checkpointing;
  return decoder;
}

EdgeNeXtOptions backbone_options(const CamouflageNetworkOptions& options) {
  return {.drop_path = options.drop_path, .gradient_checkpointing = options.gradient_checkpointing};
}

const CamouflageNetworkOptions& validated(const CamouflageNetworkOptions& options) {
  options.validate();
  return options;
}

}  // namespace

void CamouflageNetworkOptions::validate() const {
  decoder_options(*this).validate();
  if (!(drop_path >= 0.0 && drop_path < 1.0)) {
    throw UsageError(text("--drop-path ", drop_path, " is no probability below 1"), "give a number from 0 to 0.9");
  }
}

CamouflageNetwork::CamouflageNetwork(const CamouflageNetworkOptions& options)
    : backbone_(register_module("backbone", std::make_shared<EdgeNeXt>(edgenext_variant(validated(options).backbone),
                                                                       backbone_options(options), layers_))),
      decoder_(register_module("decoder", std::make_shared<PyramidDecoder>(decoder_options(options), layers_))) {}

SegmentationOutputs CamouflageNetwork::forward(const at::Tensor& images) {
  constexpr std::int64_t kCoarsestStride = 32;
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  if (height % kCoarsestStride != 0 || width % kCoarsestStride != 0 || height == 0 || width == 0) {
    throw UsageError(text("images of ", height, " × ", width, " pixels do not fit the network"),
                     text("give --img-size a multiple of ", kCoarsestStride));
  }
  SegmentationOutputs outputs = decoder_->forward(backbone_->forward(images));
  outputs.logits = nn::resize_bilinear(outputs.logits, height, width);
  if (outputs.boundary.defined()) {
    outputs.boundary = nn::resize_bilinear(outputs.boundary, height, width);
  }
  for (at::Tensor& side : outputs.sides) {
    side = nn::resize_bilinear(side, height, width);
  }
  return outputs;
}

}  // namespace lockstep::models
