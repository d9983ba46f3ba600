#include "lockstep/parallel/ordered_reduction.h"

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {

OrderedReduction::OrderedReduction(std::vector<at::Tensor> buffers)
    : buffers_(std::move(buffers)), ready_(buffers_.size()) {}

void OrderedReduction::begin() {
  const std::lock_guard lock(mutex_);
  ready_.assign(buffers_.size(), false);
  begun_ = 0;
}

void OrderedReduction::ready(std::size_t buffer) {
  const std::lock_guard lock(mutex_);
  LOCKSTEP_ASSERT(!ready_.at(buffer), "a buffer became ready twice");
  ready_[buffer] = true;
  note_ready(buffer);
  while (begun_ < buffers_.size() && ready_[begun_]) {
    begin_sum(begun_);
    ++begun_;
  }
}

void OrderedReduction::wait() {
  const std::lock_guard lock(mutex_);
  LOCKSTEP_ASSERT(begun_ == buffers_.size(), "a buffer is not ready");
  for (std::size_t buffer = 0; buffer < buffers_.size(); ++buffer) {
    const MeetingScope probe("all-reduce of bucket", static_cast<int>(buffer));
    wait_for(buffer);
  }
}

std::int64_t OrderedReduction::bytes_under_way() const {
  const std::lock_guard lock(mutex_);
  std::int64_t bytes = 0;
  for (std::size_t buffer = 0; buffer < begun_; ++buffer) {
    bytes += static_cast<std::int64_t>(buffers_[buffer].nbytes());
  }
  return bytes;
}

std::string OrderedReduction::occasion(std::size_t buffer) { return text("all-reduce of bucket ", buffer); }

}  // namespace lockstep::parallel
