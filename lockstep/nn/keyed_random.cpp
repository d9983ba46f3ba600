#include "lockstep/nn/keyed_random.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::nn {
namespace {

thread_local const RandomScope* innermost = nullptr;

void check_probability(double probability) {
  LOCKSTEP_ASSERT(probability >= 0.0 && probability < 1.0, text("dropping with probability ", probability));
}

/// What to multiply `like` with: 0 where dropped, 1 / keep elsewhere. // (batch, units), as `like` in type and device
at::Tensor draw_scales(const at::Tensor& like, std::int64_t units, double probability, Purpose purpose,
                       std::uint32_t layer) {
  const std::int64_t batch = like.size(0);
  const RandomScope& scope = RandomScope::current(static_cast<std::size_t>(batch));
  const at::Tensor scales = at::empty({batch, units}, at::kFloat);
  float* scale = scales.data_ptr<float>();
  const auto kept = static_cast<float>(1.0 / (1.0 - probability));
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    RandomStream stream = scope.stream(purpose, static_cast<std::size_t>(sample), layer);
    for (std::int64_t unit = 0; unit < units; ++unit) {
      *scale++ = stream.chance(probability) ? 0.0F : kept;
    }
  }
  return scales.to(like.options());
}

}  // namespace

RandomScope::RandomScope(std::uint64_t seed, std::uint64_t step, std::span<const std::uint64_t> samples)
    : RandomScope(RandomContext{seed, step, {samples.begin(), samples.end()}}) {}

RandomScope::RandomScope(RandomContext context) : context_(std::move(context)), outer_(innermost) { innermost = this; }

RandomScope::~RandomScope() { innermost = outer_; }

const RandomScope& RandomScope::current(std::size_t batch_size) {
  LOCKSTEP_ASSERT(innermost != nullptr, "a random layer is trained outside a RandomScope");
  LOCKSTEP_ASSERT(
      innermost->context_.samples.size() == batch_size,
      text("the RandomScope names ", innermost->context_.samples.size(), " samples, the batch has ", batch_size));
  return *innermost;
}

std::optional<RandomContext> RandomScope::innermost_context() {
  return innermost == nullptr ? std::nullopt : std::optional(innermost->context_);
}

RandomStream RandomScope::stream_of_step(Purpose purpose) const {
  return RandomStream({context_.seed, purpose, context_.step, 0, 0});
}

RandomStream RandomScope::stream(Purpose purpose, std::size_t index, std::uint32_t layer) const {
  return RandomStream({context_.seed, purpose, context_.step, context_.samples[index], layer});
}

DropPath::DropPath(double probability, std::uint32_t layer) : probability_(probability), layer_(layer) {
  check_probability(probability);
}

at::Tensor DropPath::add_branch(const at::Tensor& shortcut, const at::Tensor& branch, const at::Tensor& gamma) const {
  if (!is_training() || probability_ == 0.0) {
    return at::addcmul(shortcut, branch, gamma);
  }
  std::vector<std::int64_t> a_sample(static_cast<std::size_t>(branch.dim()), 1);
  a_sample[0] = branch.size(0);
  const at::Tensor scales = draw_scales(branch, 1, probability_, Purpose::kDropPath, layer_).view(a_sample);
  return at::addcmul(shortcut, branch, gamma * scales);
}

ChannelDropout::ChannelDropout(double probability, std::uint32_t layer) : probability_(probability), layer_(layer) {
  check_probability(probability);
}

at::Tensor ChannelDropout::forward(const at::Tensor& features) const {
  if (!is_training() || probability_ == 0.0) {
    return features;
  }
  std::vector<std::int64_t> a_channel(static_cast<std::size_t>(features.dim()), 1);
  a_channel[0] = features.size(0);
  a_channel[1] = features.size(1);
  return features * draw_scales(features, features.size(1), probability_, Purpose::kDropout, layer_).view(a_channel);
}

}  // namespace lockstep::nn
