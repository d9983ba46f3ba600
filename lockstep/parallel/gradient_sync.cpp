#include "lockstep/parallel/gradient_sync.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>

namespace lockstep::parallel {

GradientSync::GradientSync(Arena& arena, Group& group) : arena_(arena), alone_(group.size() == 1) {
  std::vector<at::Tensor> buffers;
  for (const Bucket& bucket : arena_.buckets()) {
    buffers.push_back(bucket.exchanged);
    bytes_ += static_cast<std::int64_t>(bucket.exchanged.nbytes());
  }
  reduction_ = group.make_reduction(std::move(buffers));
}

void GradientSync::begin() {
  arena_.begin_step();
  reduction_->begin();
}

void GradientSync::before_last_pass() {
  arena_.before_last_pass([this](std::size_t bucket) { reduction_->ready(bucket); });
}

void GradientSync::give_up() {
  arena_.fail_step([this](std::size_t bucket) { reduction_->ready(bucket); });
}

SyncReport GradientSync::finish() {
  const std::int64_t early_bytes = reduction_->bytes_under_way();
  arena_.close_step([this](std::size_t bucket) { reduction_->ready(bucket); });
  reduction_->wait();
  arena_.read_use();
  return alone_ ? SyncReport{} : SyncReport{bytes_, early_bytes};
}

std::vector<std::string> agree_on_landing_order(const Arena& arena, Group& group) {
  std::string joined;
  for (const std::string& name : arena.landing_order()) {
    joined += name + '\n';
  }
  const auto everywhere = group.all_gather(std::as_bytes(std::span(joined)));
  const auto first = std::ranges::find_if_not(everywhere, &std::vector<std::byte>::empty);
  if (first == everywhere.end()) {
    return {};
  }
  std::istringstream lines(std::string(reinterpret_cast<const char*>(first->data()), first->size()));
  std::vector<std::string> names;
  for (std::string name; std::getline(lines, name);) {
    names.push_back(name);
  }
  return names;
}

}  // namespace lockstep::parallel
