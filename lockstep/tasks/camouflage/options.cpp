#include "lockstep/tasks/camouflage/options.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::tasks::camouflage {

void Options::validate() const {
  if (dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of the dataset");
  }
  constexpr std::int64_t kStride = 32;
  if (image_size < kStride || image_size % kStride != 0) {
    throw UsageError(text("--img-size ", image_size, " does not suit the network"),
                     text("give a multiple of 32, such as ", (image_size / kStride + 1) * kStride));
  }
  network.validate();
}

}  // namespace lockstep::tasks::camouflage
