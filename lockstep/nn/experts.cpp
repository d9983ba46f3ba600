#include "lockstep/nn/experts.h"

#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::nn {
namespace {

constexpr std::int64_t kExpansion = 2;
constexpr std::int64_t kContextKernel = 3;

/// Two linear layers with a GELU between them, over the last dimension.
class Expert : public torch::nn::Module {
 public:
  explicit Expert(std::int64_t channels)
      : fc1_(register_module("fc1", torch::nn::Linear(channels, kExpansion * channels))),
        fc2_(register_module("fc2", torch::nn::Linear(kExpansion * channels, channels))) {}

  at::Tensor forward(const at::Tensor& pixels) { return fc2_->forward(at::gelu(fc1_->forward(pixels))); }

 private:
  torch::nn::Linear fc1_;
  torch::nn::Linear fc2_;
};

at::Tensor ask(const std::shared_ptr<torch::nn::Module>& expert, const at::Tensor& pixels) {
  return expert->as<Expert>()->forward(pixels);
}

/// Every expert over all pixels. // pixels: (n, channels), weights: (n, experts)
at::Tensor mix_all(const torch::nn::ModuleListImpl& experts, const at::Tensor& pixels, const at::Tensor& weights) {
  const std::vector<at::Tensor> of_expert = weights.split(1, 1);  // (n, 1) each
  at::Tensor mixed = ask(experts[0], pixels) * of_expert[0];
  for (std::size_t i = 1; i < experts.size(); ++i) {
    mixed = mixed + ask(experts[i], pixels) * of_expert[i];
  }
  return mixed;
}

/// Every expert over those pixels alone that chose it. // chosen: (n, experts), 1 where chosen
at::Tensor mix_chosen(const torch::nn::ModuleListImpl& experts, const at::Tensor& pixels, const at::Tensor& weights,
                      const at::Tensor& chosen) {
  at::Tensor mixed = at::zeros_like(pixels, pixels.options().dtype(weights.scalar_type()));
  for (std::size_t i = 0; i < experts.size(); ++i) {
    const auto expert = static_cast<std::int64_t>(i);
    const at::Tensor rows = chosen.select(1, expert).nonzero().squeeze(1);
    const at::Tensor weight = weights.select(1, expert).index_select(0, rows).unsqueeze(1);  // (rows, 1)
    const at::Tensor answer = ask(experts[i], pixels.index_select(0, rows)) * weight;
    mixed.index_add_(0, rows, answer.to(mixed.scalar_type()));
  }
  return mixed;
}

}  // namespace

void ExpertsOptions::validate() const {
  if (count < 0 || count == 1) {
    throw UsageError(text("--num-experts ", count, " is no number of experts"), "give 0 for none, or at least 2");
  }
  if (top_k < 0 || top_k > (any() ? count : 0)) {
    throw UsageError(text("--moe-top-k ", top_k, " does not go with --num-experts ", count),
                     any() ? text("give 1 to ", count, ", or 0 for all experts") : "give --num-experts, too");
  }
}

Experts::Experts(const ExpertsOptions& options)
    : options_(options),
      context_(register_module(
          "context", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.channels, options.channels, kContextKernel)
                                           .padding(kContextKernel / 2)
                                           .groups(options.channels)))),
      norm_(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({options.channels})))),
      gate_(register_module("gate", torch::nn::Linear(options.channels, options.count))),
      experts_(register_module("experts", torch::nn::ModuleList())) {
  options.validate();
  for (std::int64_t i = 0; i < options.count; ++i) {
    experts_->push_back(std::make_shared<Expert>(options.channels));
  }
}

/// The probabilities of the experts. Never in half precision: there, close experts would change places by rounding.
at::Tensor Experts::gate(const at::Tensor& pixels) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return gate_->forward(pixels.to(gate_->weight.scalar_type())).softmax(-1);
}

ExpertsOutputs Experts::forward(const at::Tensor& features) {
  const at::Tensor around = context_->forward(features).permute({0, 2, 3, 1});  // (batch, height, width, channels)
  const at::Tensor pixels = norm_->forward(around).flatten(1, 2);               // (batch, pixels, channels)
  const at::Tensor probabilities = gate(pixels);                                // (batch, pixels, experts)

  ExpertsOutputs outputs;
  at::Tensor mixed;
  if (options_.top_k == 0) {
    outputs.load = probabilities.detach().sum(1);
    mixed = mix_all(*experts_, pixels.flatten(0, 1), probabilities.flatten(0, 1));
  } else {
    const at::Tensor best = std::get<1>(probabilities.detach().topk(options_.top_k, -1));
    const at::Tensor chosen = at::zeros_like(probabilities).scatter_(-1, best, 1);
    at::Tensor weights = probabilities * chosen;
    if (options_.top_k > 1) {
      weights = weights / weights.sum(-1, true);
    }
    outputs.load = chosen.sum(1);
    outputs.balance = balance_losses(probabilities, chosen);
    mixed = mix_chosen(*experts_, pixels.flatten(0, 1), weights.flatten(0, 1), chosen.flatten(0, 1));
  }
  outputs.features = features + mixed.view(around.sizes()).permute({0, 3, 1, 2}).to(features.scalar_type());
  return outputs;
}

at::Tensor balance_losses(const at::Tensor& probabilities, const at::Tensor& chosen) {
  const at::Tensor counts = chosen.detach().sum(1);        // (batch, experts)
  const at::Tensor shares = counts / counts.sum(1, true);  // f
  const at::Tensor probability = probabilities.mean(1);    // P
  return static_cast<double>(probabilities.size(2)) * (shares * probability).sum(1);
}

}  // namespace lockstep::nn
