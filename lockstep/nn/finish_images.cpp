#include "lockstep/nn/finish_images.h"

#include <ATen/ATen.h>

#include <span>
#include <type_traits>

#include "lockstep/base/error.h"
#include "lockstep/parallel/cuda_module.h"

namespace lockstep::nn {
namespace {

static_assert(std::is_trivially_copyable_v<data::SampleFinish>, "travels as bytes");

at::Tensor finish_on_host(const at::Tensor& images, const at::Tensor& samples) {
  const data::BatchShape shape{static_cast<int>(images.size(0)), static_cast<int>(images.size(1)),
                               static_cast<int>(images.size(2))};
  at::Tensor planes = at::empty({shape.batch, 3, shape.height, shape.width}, at::kFloat);
  const auto values = static_cast<std::size_t>(planes.numel());
  data::finish_batch({images.const_data_ptr<std::uint8_t>(), values},
                     {reinterpret_cast<const data::SampleFinish*>(samples.const_data_ptr<std::uint8_t>()),
                      static_cast<std::size_t>(shape.batch)},
                     shape, {planes.data_ptr<float>(), values});
  return planes;
}

}  // namespace

at::Tensor finish_images(const at::Tensor& images, const at::Tensor& samples) {
  LOCKSTEP_ASSERT(images.dim() == 4 && images.size(3) == 3 && images.scalar_type() == at::kByte,
                  "images are (batch, height, width, 3) uint8");
  LOCKSTEP_ASSERT(samples.dim() == 2 && samples.size(0) == images.size(0) &&
                      samples.size(1) == static_cast<std::int64_t>(sizeof(data::SampleFinish)) &&
                      samples.scalar_type() == at::kByte,
                  "samples are (batch, sizeof(SampleFinish)) uint8");
  if (images.is_cpu()) {
    return finish_on_host(images.contiguous(), samples.contiguous());
  }
  const parallel::CudaModule* module = parallel::find_cuda_module();
  if (module != nullptr && module->finish_images != nullptr) {
    return module->finish_images(images.contiguous(), samples.contiguous());
  }
  return finish_on_host(images.cpu().contiguous(), samples.cpu().contiguous()).to(images.device());
}

}  // namespace lockstep::nn
