#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lockstep::parallel {

/// Where a parameter lies in its bucket.
struct Slot {
  std::string name;
  std::int64_t offset = 0;  ///< elements from the start of the bucket
  std::int64_t count = 0;   ///< elements
  int option_group = 0;     ///< parameters of one group share the optimizer's options
  bool used = false;        ///< whether it got a gradient in this step, on any rank
};

/// A stretch of parameters with their gradients, each flat and contiguous.
struct Bucket {
  at::Tensor values;     // (elements) float32
  at::Tensor gradients;  // (elements) float32
  std::vector<Slot> slots;

  at::Tensor gradient(const Slot& slot) const { return gradients.narrow(0, slot.offset, slot.count); }
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
/// Parameters are taken in the order in which backward is expected to finish them, which is the reverse of the order
/// given; within a bucket they lie by option group.
class Arena {
 public:
  /// Cuts a new bucket when one has reached `bucket_bytes`.
  Arena(const std::vector<ArenaParameter>& parameters, std::int64_t bucket_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::vector<Bucket>& buckets() { return buckets_; }
  const std::vector<Bucket>& buckets() const { return buckets_; }

  /// Sets all gradients to zero and forgets which parameters were used.
  void zero_gradients();

  /// The L2 norm of all gradients, summed in double, parameter by parameter in the order of their names, so that it
  /// does not depend on how the buckets are cut.
  double gradient_norm() const;

  /// Multiplies all gradients.
  void scale_gradients(double factor);

 private:
  void lay_bucket(std::vector<ArenaParameter> parameters);
  void watch_use();

  std::vector<Bucket> buckets_;
  std::vector<std::pair<std::size_t, std::size_t>> by_name_;  ///< (bucket, slot) in the order of the names
  struct Watches;
  std::unique_ptr<Watches> watches_;
};

}  // namespace lockstep::parallel
