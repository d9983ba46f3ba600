#include "lockstep/train/device_batch.h"

#include <torch/torch.h>

#include "lockstep/base/error.h"

namespace lockstep::train {
namespace {

at::ScalarType scalar_type(data::DType dtype) {
  switch (dtype) {
    case data::DType::kUInt8:
      return at::kByte;
    case data::DType::kUInt16:
      return at::kUInt16;
    case data::DType::kInt64:
      return at::kLong;
    case data::DType::kFloat32:
      return at::kFloat;
  }
  LOCKSTEP_ASSERT(false, "unknown dtype");
}

}  // namespace

tasks::DeviceBatch to_device(data::Batch& batch, c10::Device device) {
  tasks::DeviceBatch on_device{{}, batch};
  for (std::size_t i = 0; i < batch.layout.size(); ++i) {
    std::vector<std::int64_t> shape{static_cast<std::int64_t>(batch.size())};
    shape.insert(shape.end(), batch.layout[i].shape.begin(), batch.layout[i].shape.end());
    const at::Tensor host = at::from_blob(batch.fields[i].data(), shape, scalar_type(batch.layout[i].dtype));
    on_device.fields.push_back(host.to(device, /*non_blocking=*/true));
  }
  return on_device;
}

}  // namespace lockstep::train
