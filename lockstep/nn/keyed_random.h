#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lockstep/base/random.h"

namespace lockstep::nn {

/// What the random numbers inside a network depend on, but for the layer.
struct RandomContext {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::vector<std::uint64_t> samples;  ///< one number a sample of the batch
};

/// Tells the layers of the calling thread which samples pass through them, so that what is random inside a network is a
/// function of (seed, step, sample, layer). LibTorch's default generator is shared by threads and plays no part. Scopes
/// nest; the innermost counts.
class RandomScope {
 public:
  /// `samples`: one number a sample of the batch, such as its position in the global batch or the epoch.
  RandomScope(std::uint64_t seed, std::uint64_t step, std::span<const std::uint64_t> samples);
  explicit RandomScope(RandomContext context);
  ~RandomScope();
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;

  /// The innermost scope of the calling thread; asserts that there is one, over a batch of this size.
  static const RandomScope& current(std::size_t batch_size);

  /// What the innermost scope of the calling thread was made of, to be put in force again later or in another thread;
  /// nothing where there is no scope.
  static std::optional<RandomContext> innermost_context();

  /// Random numbers that all samples of a step share, on every rank and in every pass.
  RandomStream stream_of_step(Purpose purpose) const;

  /// The random numbers of one layer for the sample at `index` of the batch.
  RandomStream stream(Purpose purpose, std::size_t index, std::uint32_t layer) const;

 private:
  RandomContext context_;
  const RandomScope* outer_;
};

/// Numbers the random layers of one network in the order of construction.
class LayerCounter {
 public:
  std::uint32_t next() { return next_++; }

 private:
  std::uint32_t next_ = 0;
};

/// Drops a residual branch for a whole sample and makes up for it in the samples that keep theirs: Huang et al., "Deep
/// networks with stochastic depth", ECCV 2016, scaled by 1 / keep as in timm. The identity in evaluation.
class DropPath : public torch::nn::Module {
 public:
  /// `probability` of dropping, in [0, 1).
  DropPath(double probability, std::uint32_t layer);

  /// shortcut + drop(gamma * branch), in one pass over the branch. shortcut, branch: (batch, …, channels); gamma:
  /// (channels).
  at::Tensor add_branch(const at::Tensor& shortcut, const at::Tensor& branch, const at::Tensor& gamma) const;

 private:
  double probability_;
  std::uint32_t layer_;
};

/// Drops whole channels of a sample and scales the others by 1 / keep: Tompson et al., "Efficient object localization
/// using convolutional networks", CVPR 2015 (Dropout2d in PyTorch). The identity in evaluation.
class ChannelDropout : public torch::nn::Module {
 public:
  /// `probability` of dropping, in [0, 1).
  ChannelDropout(double probability, std::uint32_t layer);

  /// features: (batch, channels, …).
  at::Tensor forward(const at::Tensor& features) const;

 private:
  double probability_;
  std::uint32_t layer_;
};

}  // namespace lockstep::nn
