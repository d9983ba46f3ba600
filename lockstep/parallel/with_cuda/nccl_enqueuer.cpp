#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <nccl.h>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/gpu_enqueuer.h"
#include "lockstep/parallel/with_cuda/nccl.h"

namespace lockstep::parallel {
namespace {

void check(ncclResult_t result, const char* call) {
  if (result != ncclSuccess) {
    throw MachineError(text(call, " failed: ", ncclGetErrorString(result), " (", ncclGetLastError(nullptr), ")"),
                       "NCCL_DEBUG=INFO in the environment makes NCCL say more; what was saved is safe");
  }
}

ncclDataType_t type_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kLong:
      return ncclInt64;
    default:
      LOCKSTEP_ASSERT(false, "a collective of this dtype");
  }
}

/// NCCL's handle of one GPU.
class Communicator {
 public:
  explicit Communicator(ncclComm_t handle) : handle_(handle) {}
  ~Communicator() {
    // A destructor reports, and never throws.
    if (const ncclResult_t result = ncclCommDestroy(handle_); result != ncclSuccess) {
      log::warn(text("ncclCommDestroy failed: ", ncclGetErrorString(result)));
    }
  }
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  ncclComm_t handle() const { return handle_; }

 private:
  ncclComm_t handle_;
};

/// What is enqueued while it lives is one operation to NCCL, of which no part starts before the others are there.
class NcclOperation {
 public:
  NcclOperation() { check(ncclGroupStart(), "ncclGroupStart"); }
  ~NcclOperation() {
    if (!is_over_) {
      ncclGroupEnd();  // on the way of an exception that says what has failed
    }
  }
  NcclOperation(const NcclOperation&) = delete;
  NcclOperation& operator=(const NcclOperation&) = delete;

  void end() {
    is_over_ = true;
    check(ncclGroupEnd(), "ncclGroupEnd");
  }

 private:
  bool is_over_ = false;
};

class NcclEnqueuer : public GpuEnqueuer {
 public:
  explicit NcclEnqueuer(const std::vector<c10::Device>& devices) {
    std::vector<int> indices;
    for (const c10::Device& device : devices) {
      if (device.index() >= c10::cuda::device_count()) {
        throw MachineError(text("there is no ", device.str()), "check the driver with nvidia-smi");
      }
      indices.push_back(device.index());
      streams_.push_back(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index()));
    }
    std::vector<ncclComm_t> handles(devices.size());
    check(ncclCommInitAll(handles.data(), static_cast<int>(handles.size()), indices.data()), "ncclCommInitAll");
    for (const ncclComm_t handle : handles) {
      communicators_.push_back(std::make_unique<Communicator>(handle));
    }
  }

  void enqueue(Job& job) override {
    for (std::size_t rank = 0; rank < streams_.size(); ++rank) {
      part_of(job, rank).ready.block(streams_[rank]);
    }
    NcclOperation operation;
    for (std::size_t rank = 0; rank < streams_.size(); ++rank) {
      enqueue_part(job, rank);
    }
    operation.end();
    for (std::size_t rank = 0; rank < streams_.size(); ++rank) {
      part_of(job, rank).done.record(streams_[rank]);
    }
  }

 private:
  void enqueue_part(const Job& job, std::size_t rank) {
    const at::Tensor& tensor = job.parts[rank]->tensor;
    const c10::DeviceGuard device(tensor.device());
    void* data = tensor.data_ptr();
    const auto count = static_cast<std::size_t>(tensor.numel());
    const ncclComm_t communicator = communicators_[rank]->handle();
    if (job.kind == Job::Kind::kSum) {
      check(ncclAllReduce(data, data, count, type_of(tensor), ncclSum, communicator, streams_[rank].stream()),
            "ncclAllReduce");
    } else {
      check(ncclBroadcast(data, data, tensor.nbytes(), ncclInt8, job.root, communicator, streams_[rank].stream()),
            "ncclBroadcast");
    }
  }

  std::vector<c10::cuda::CUDAStream> streams_;  ///< by rank
  std::vector<std::unique_ptr<Communicator>> communicators_;
};

}  // namespace

std::unique_ptr<Enqueuer> make_nccl_enqueuer(const std::vector<c10::Device>& devices) {
  return std::make_unique<NcclEnqueuer>(devices);
}

}  // namespace lockstep::parallel
