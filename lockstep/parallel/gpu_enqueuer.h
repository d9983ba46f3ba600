#pragma once

#include <c10/core/Event.h>

#include <memory>

#include "lockstep/parallel/gpu_team.h"

namespace lockstep::parallel {

/// A tensor on a GPU, between the streams of its rank and of the collective.
struct GpuPart : Part {
  explicit GpuPart(at::Tensor brought)
      : Part(std::move(brought)), ready(tensor.device().type()), done(ready.device_type()) {}

  c10::Event ready;  ///< behind what the rank has computed into the tensor
  c10::Event done;   ///< behind the collective
};

/// Joins the streams of the ranks with those of the collectives: enqueue() has to put the work behind the `ready`
/// events, and to record the `done` events.
class GpuEnqueuer : public Enqueuer {
 public:
  std::unique_ptr<Part> bring(const at::Tensor& tensor) override;
  void follow(Part& part) override;

 protected:
  /// What a rank has brought to a job.
  static GpuPart& part_of(const Job& job, std::size_t rank) { return static_cast<GpuPart&>(*job.parts[rank]); }
};

/// In the memory of one GPU, in rank order.
std::unique_ptr<Enqueuer> make_shared_gpu_enqueuer(c10::Device device);

}  // namespace lockstep::parallel
