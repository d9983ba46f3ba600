#include "lockstep/parallel/with_cuda/finish_images.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "lockstep/data/with_cuda/finish_batch.h"

namespace lockstep::parallel {

at::Tensor finish_images_on_gpu(const at::Tensor& images, const at::Tensor& samples) {
  const c10::DeviceGuard device(images.device());
  const data::BatchShape shape{static_cast<int>(images.size(0)), static_cast<int>(images.size(1)),
                               static_cast<int>(images.size(2))};
  at::Tensor planes = at::empty({shape.batch, 3, shape.height, shape.width}, images.options().dtype(at::kFloat));
  const at::Tensor grey_sums = at::empty({shape.batch}, images.options().dtype(at::kLong));
  C10_CUDA_CHECK(lockstep_finish_batch(
      images.const_data_ptr<std::uint8_t>(), reinterpret_cast<const data::SampleFinish*>(samples.const_data_ptr()),
      shape, reinterpret_cast<unsigned long long*>(grey_sums.data_ptr<std::int64_t>()), planes.data_ptr<float>(),
      c10::cuda::getCurrentCUDAStream(images.device().index()).stream()));
  return planes;
}

}  // namespace lockstep::parallel
