#pragma once

#include <torch/torch.h>

#include "lockstep/nn/autocast.h"
#include "lockstep/train/precision.h"

namespace lockstep::train {

/// Puts the network into evaluation mode, without gradients and in this precision, for as long as it lives; the last
/// two hold for the calling thread.
class EvaluationMode {
 public:
  EvaluationMode(torch::nn::Module& network, c10::Device device, const Precision& precision)
      : network_(network), was_training_(network.is_training()), autocast_(device.type(), precision.autocast_type()) {
    network_.eval();
  }
  ~EvaluationMode() { network_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  torch::nn::Module& network_;
  bool was_training_;
  torch::NoGradGuard no_grad_;
  nn::AutocastScope autocast_;
};

}  // namespace lockstep::train
