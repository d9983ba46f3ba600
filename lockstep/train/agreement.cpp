#include "lockstep/train/agreement.h"

#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"

namespace lockstep::train {
namespace {

/// The part of a vote that has a fixed size; the names follow it.
struct Fixed {
  double loss_sum;
  std::int64_t samples;
  std::uint64_t digest;
  double utilisation;
  std::uint8_t stop;
  std::uint8_t save;
};

std::vector<std::byte> pack(const Vote& vote) {
  const Fixed fixed{vote.loss_sum, vote.samples, vote.digest, vote.utilisation, vote.stop, vote.save};
  std::vector<std::byte> bytes(sizeof fixed + vote.not_finite.size());
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  std::memcpy(bytes.data() + sizeof fixed, vote.not_finite.data(), vote.not_finite.size());
  return bytes;
}

}  // namespace

Verdict agree(parallel::Group& group, const Vote& vote) {
  Verdict verdict;
  double loss_sum = 0;
  for (const std::vector<std::byte>& bytes : group.all_gather(pack(vote))) {
    Fixed fixed;
    LOCKSTEP_ASSERT(bytes.size() >= sizeof fixed, "a vote that is too short");
    std::memcpy(&fixed, bytes.data(), sizeof fixed);
    loss_sum += fixed.loss_sum;
    verdict.samples += fixed.samples;
    verdict.digest += fixed.digest;
    verdict.utilisation.push_back(fixed.utilisation);
    verdict.stop |= fixed.stop != 0;
    verdict.save |= fixed.save != 0;
    const std::string names(reinterpret_cast<const char*>(bytes.data()) + sizeof fixed, bytes.size() - sizeof fixed);
    verdict.not_finite += (verdict.not_finite.empty() || names.empty() ? "" : ", ") + names;
  }
  LOCKSTEP_ASSERT(verdict.samples > 0, "a step without samples");
  verdict.loss = loss_sum / static_cast<double>(verdict.samples);
  return verdict;
}

std::uint64_t hash_of_sample(std::uint64_t index) {
  const auto bits = philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0}, {0, 0});
  return (static_cast<std::uint64_t>(bits[0]) << 32) | bits[1];
}

}  // namespace lockstep::train
