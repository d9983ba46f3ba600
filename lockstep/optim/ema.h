#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/parallel/arena.h"

namespace lockstep::optim {

/// As the arguments of timm's ModelEmaV3.
struct EmaOptions {
  double decay = 0.9999;               ///< how much of the average stays in an update
  double min_decay = 0;                ///< least decay during the warm-up
  std::int64_t update_after_step = 0;  ///< until then the average is a copy of the weights
  bool use_warmup = false;             ///< whether the decay rises to `decay` as below
  double warmup_gamma = 1;
  double warmup_power = 2.0 / 3;

  /// Throws UsageError, naming the flag, where an option is out of its range.
  void validate() const;
};

/// The exponential moving average of a network's weights: the numbers of timm 1.0.31's ModelEmaV3. It lives in a second
/// instance of the network, the shadow, so that to evaluate the average is to evaluate the shadow.
///
/// The shadow's parameters become views of flat buffers that are laid as the arena's values, so that the optimizer
/// moves the average in the same pass as the weights. What is not in the arena, frozen parameters and buffers, stays
/// the shadow's own. Values of the shadow are kept: an Ema that is made anew over the same networks with another arena
/// goes on where the last one was.
class Ema {
 public:
  /// Both networks have the same parameters and buffers. Puts the shadow into evaluation mode, without gradients.
  Ema(const parallel::Arena& arena, torch::nn::Module& network, torch::nn::Module& shadow, const EmaOptions& options);

  /// Collective, by the ranks whose arenas share their values: the averages of what is in the arena become the first
  /// rank's. They must be the same.
  void share(parallel::Group& group);

  /// Makes the average equal to the weights, as it has to be where it begins.
  void set();

  /// The decay of an update; updates count from 1. It is 0 up to update 1 + update_after_step, which makes the average
  /// a copy of the weights, and `decay` afterwards. With the warm-up it is 1 - (1 + t / gamma) ^ -power, t updates
  /// later, but at most `decay` and at least `min_decay`.
  double decay_at(std::int64_t update) const;

  /// The optimizer's next step is this update.
  void begin_update(std::int64_t update) { weight_ = 1 - decay_at(update); }

  /// How much of the new weights comes into the average in this update.
  double weight() const { return weight_; }

  /// The average of a bucket of the arena, laid as its values. (elements) float32
  const at::Tensor& average(std::size_t bucket) const { return averages_[bucket]; }

  /// What an update does to all that is not in the arena: it averages buffers (copies those of whole numbers), and lets
  /// a parameter that was frozen on the way come to rest.
  void follow_buffers();

 private:
  struct Pair {
    at::Tensor average;
    at::Tensor value;
  };

  void lay(const parallel::Bucket& bucket, std::map<std::string, Pair>& parameters);
  const std::vector<Pair>& restless();

  EmaOptions options_;
  double weight_ = 0;
  std::vector<at::Tensor> averages_;  ///< one a bucket
  std::vector<Pair> laid_;            ///< parameters in the arena
  std::vector<Pair> frozen_;          ///< the other parameters
  std::vector<Pair> buffers_;
  std::optional<std::vector<Pair>> restless_;  ///< frozen parameters whose average is not there yet
};

}  // namespace lockstep::optim
