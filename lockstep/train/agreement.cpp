#include "lockstep/train/agreement.h"

#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/launch.h"

namespace lockstep::train {
namespace {

/// The part of a vote that has a fixed size; the words follow it, one after the other.
struct Fixed {
  double loss_sum;
  std::int64_t samples;
  std::uint64_t digest;
  double utilisation;
  std::uint8_t stop;
  std::uint8_t save;
  std::uint8_t end_of_time;
  std::uint8_t out_of_memory;
  std::uint8_t can_retry;
  std::uint32_t not_finite_length;
};

std::vector<std::byte> pack(const Vote& vote) {
  const Fixed fixed{vote.loss_sum,    vote.samples,
                    vote.digest,      vote.utilisation,
                    vote.stop,        vote.save,
                    vote.end_of_time, vote.out_of_memory,
                    vote.can_retry,   static_cast<std::uint32_t>(vote.not_finite.size())};
  const std::string words = vote.not_finite + vote.failure;
  std::vector<std::byte> bytes(sizeof fixed + words.size());
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  std::memcpy(bytes.data() + sizeof fixed, words.data(), words.size());
  return bytes;
}

/// Joins the words of several ranks with a comma.
void join(std::string& all, const std::string& words) { all += (all.empty() || words.empty() ? "" : ", ") + words; }

}  // namespace

Verdict agree(parallel::Group& group, const Vote& vote) {
  Verdict verdict;
  double loss_sum = 0;
  bool all_can_retry = true;
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
    verdict.end_of_time |= fixed.end_of_time != 0;
    verdict.out_of_memory |= fixed.out_of_memory != 0;
    const std::string words(reinterpret_cast<const char*>(bytes.data()) + sizeof fixed, bytes.size() - sizeof fixed);
    if (fixed.not_finite_length > 0) {
      verdict.not_finite_ranks.push_back(static_cast<int>(verdict.utilisation.size()) - 1);
    }
    join(verdict.not_finite, words.substr(0, fixed.not_finite_length));
    const std::string failure = words.substr(fixed.not_finite_length);
    join(verdict.failure, failure);
    all_can_retry &= failure.empty() || fixed.can_retry != 0;
  }
  verdict.retry = !verdict.failure.empty() && all_can_retry;
  // A step without samples (all of them were left out, see data::BadSamples) has no loss and moves nothing.
  const bool is_empty = verdict.samples == 0 && verdict.failure.empty();
  verdict.loss = is_empty ? 0 : loss_sum / static_cast<double>(verdict.samples);
  return verdict;
}

void fail(Vote& vote, int rank, const std::exception& error) {
  vote.failure = text("rank ", rank, ": ", first_line(error.what()));
  vote.out_of_memory = parallel::is_out_of_memory(error);
}

std::uint64_t hash_of_sample(std::uint64_t index) {
  const auto bits = philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0}, {0, 0});
  return (static_cast<std::uint64_t>(bits[0]) << 32) | bits[1];
}

}  // namespace lockstep::train
