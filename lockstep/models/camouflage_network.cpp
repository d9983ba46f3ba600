#include "lockstep/models/camouflage_network.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/resize.h"

namespace lockstep::models {
namespace {

PyramidDecoderOptions decoder_options(const CamouflageNetworkOptions& options) {
  return {edgenext_variant(options.backbone).channels, options.decoder_width, options.dropout};
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
                                                                       options.drop_path, layers_))),
      decoder_(register_module("decoder", std::make_shared<PyramidDecoder>(decoder_options(options), layers_))) {}

at::Tensor CamouflageNetwork::forward(const at::Tensor& images) {
  constexpr std::int64_t kCoarsestStride = 32;
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  if (height % kCoarsestStride != 0 || width % kCoarsestStride != 0 || height == 0 || width == 0) {
    throw UsageError(text("images of ", height, " × ", width, " pixels do not fit the network"),
                     text("give --img-size a multiple of ", kCoarsestStride));
  }
  const at::Tensor logits = decoder_->forward(backbone_->forward(images));  // (batch, 1, height / 4, width / 4)
  return nn::resize_bilinear(logits, height, width);
}

}  // namespace lockstep::models
