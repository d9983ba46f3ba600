#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

namespace lockstep::nn {

struct ExpertsOptions {
  std::int64_t channels = 64;
  std::int64_t count = 0;  ///< experts: 0 for none, or at least 2
  std::int64_t top_k = 0;  ///< experts that a pixel goes to; 0: to all of them

  bool any() const { return count > 0; }

  /// Throws UsageError, naming the flag.
  void validate() const;
};

struct ExpertsOutputs {
  at::Tensor features;  ///< (batch, channels, height, width)
  at::Tensor load;      ///< (batch, experts) float32, no gradient: pixels of the sample that each expert got
  at::Tensor balance;   ///< (batch) float32: the load-balancing loss of each sample; undefined where all experts work
};

/// Small networks of which a gate mixes another blend for each pixel, beside a shortcut: Shazeer et al., "Outrageously
/// large neural networks: the sparsely-gated mixture-of-experts layer", ICLR 2017. A depthwise convolution brings each
/// pixel what lies around it; gate and experts then see one pixel at a time, so that a pixel can be sent to few of
/// them.
///
/// All experts: each counts as much as the softmax of the gate says. The best k of a pixel: only these are computed,
/// and their weights are scaled to a sum of 1 (for k = 1 the weight stays as it is, else the gate would learn nothing).
/// What a sample gets does not depend on the others of its batch: no expert has a capacity.
class Experts : public torch::nn::Module {
 public:
  /// Throws UsageError as `ExpertsOptions::validate`.
  explicit Experts(const ExpertsOptions& options);

  /// features: (batch, channels, height, width).
  ExpertsOutputs forward(const at::Tensor& features);

 private:
  at::Tensor gate(const at::Tensor& pixels);

  ExpertsOptions options_;
  torch::nn::Conv2d context_;
  torch::nn::LayerNorm norm_;
  torch::nn::Linear gate_;
  torch::nn::ModuleList experts_;
};

/// The load-balancing loss of each sample, (batch): K · Σ f_i P_i, with f_i the share of the sample's choices that fell
/// on expert i and P_i the mean of the gate's probability for it. 1 where all experts get the same. Fedus, Zoph and
/// Shazeer, "Switch Transformers", JMLR 2022, equation 4, which takes the shares over the whole batch; over a sample
/// the loss does not depend on how batches are cut. Its gradient flows through P alone.
///
/// probabilities: (batch, pixels, experts) after the softmax; chosen: the same shape, 1 where the pixel goes there.
at::Tensor balance_losses(const at::Tensor& probabilities, const at::Tensor& chosen);

}  // namespace lockstep::nn
