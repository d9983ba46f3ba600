#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// Where a parameter lies in its bucket.
struct Slot {
  std::string name;
  std::int64_t offset = 0;  ///< elements from the start of the bucket; a multiple of 16
  std::int64_t count = 0;   ///< elements
  int option_group = 0;     ///< parameters of one group share the optimizer's options
  bool used = false;        ///< whether it got a gradient in this step; after the reduction: on any rank
};

/// A stretch of parameters with their gradients, each flat and contiguous.
struct Bucket {
  at::Tensor values;     // (elements) float32
  at::Tensor gradients;  // (elements) float32
  at::Tensor exchanged;  // (elements + slots, padded) float32: the gradients, then by slot whether a rank used it
  std::vector<Slot> slots;

  at::Tensor gradient(const Slot& slot) const { return gradients.narrow(0, slot.offset, slot.count); }

  /// By slot: whether it was used; a sum over the ranks after the reduction. // (slots) float32
  at::Tensor use_flags() const { return exchanged.narrow(0, values.numel(), static_cast<std::int64_t>(slots.size())); }
};

/// A parameter to be laid into the arena.
struct ArenaParameter {
  std::string name;
  at::Tensor tensor;  ///< a float32 leaf that requires a gradient
  int option_group = 0;
};

/// The parameters of a model and their gradients, laid flat into a few buckets. The parameters become views of the
/// buckets, so that reduction, clipping and update are a few calls over long runs instead of several per parameter.
///
/// A gradient that lands is written straight into its bucket: the first of a step overwrites what is there, so nothing
/// needs to be zeroed. A bucket is final when all of its gradients have landed in the last pass of the step. A step
/// makes these calls:
///
///   begin_step()
///   before_last_pass(on_final)   on_final(bucket) is then called from within backward, or from close_step()
///   close_step() or fail_step()  afterwards all buckets are final
class Arena {
 public:
  /// Lays the parameters in the order given, which should be that in which backward finishes them; within a bucket by
  /// option group. Cuts a new bucket when one has reached `bucket_bytes`. How they are cut changes no result.
  Arena(const std::vector<ArenaParameter>& parameters, std::int64_t bucket_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::vector<Bucket>& buckets() { return buckets_; }
  const std::vector<Bucket>& buckets() const { return buckets_; }

  void begin_step();
  void before_last_pass(std::function<void(std::size_t bucket)> on_final);

  /// Parameters that got no gradient in this step have zeros. Also where there was no last pass.
  void close_step(const std::function<void(std::size_t bucket)>& on_final);

  /// The step has failed on this rank: the buckets that are not final yet become zeros.
  void fail_step(const std::function<void(std::size_t bucket)>& on_final);

  /// Takes from the exchanged flags which parameters were used on any rank.
  void read_use();

  /// Collective: where the ranks live in one memory (Group::tensors_of_first), the parameters of all of them become the
  /// first one's, and each rank computes its share of the gradient norm. Says whether it is so. The arenas must be laid
  /// alike and hold the same values; the group must outlive this arena.
  bool share_values(Group& group);

  /// The names of all parameters in the order in which their gradients landed in the last pass; those that did not
  /// land come last. Nothing where no gradient landed at all.
  std::vector<std::string> landing_order() const;

  /// The L2 norm of all gradients, summed in double, parameter by parameter in the order of their names, so that it
  /// does not depend on how the buckets are cut. Collective where values are shared.
  double gradient_norm() const;

 private:
  struct Watch;
  class Landing;

  void lay_bucket(std::vector<ArenaParameter> parameters);
  void watch_gradients();
  void land(const Watch& watch, const at::Tensor& gradient);
  void finish_bucket(std::size_t bucket, const std::function<void(std::size_t)>& on_final);

  std::vector<Bucket> buckets_;
  std::vector<std::pair<std::size_t, std::size_t>> by_name_;  ///< (bucket, slot) in the order of the names
  std::vector<Watch> watches_;                                ///< one a parameter, in the order of the layout
  std::vector<std::size_t> missing_;  ///< by bucket: gradients that have not landed in the last pass
  std::vector<bool> final_;           ///< by bucket
  bool is_last_pass_ = false;
  std::function<void(std::size_t)> on_final_;
  std::vector<const Watch*> landed_;  ///< in the last pass, in order
  Group* sharing_ = nullptr;          ///< the ranks that share their values
};

}  // namespace lockstep::parallel
