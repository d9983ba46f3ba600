#include "lockstep/base/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lockstep/base/error.h"
#include "lockstep/base/simd.h"

namespace lockstep {

namespace {

constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;

/// Blocks of random words that are made side by side.
constexpr std::size_t kLanes = 32;

/// philox() of kLanes counters that differ in their first number, which counts up.
LOCKSTEP_SIMD void philox_lanes(const std::array<std::uint32_t, 4>& counter, std::array<std::uint32_t, 2> key,
                                std::uint32_t* __restrict words) {
  alignas(64) std::uint32_t c0[kLanes];
  alignas(64) std::uint32_t c1[kLanes];
  alignas(64) std::uint32_t c2[kLanes];
  alignas(64) std::uint32_t c3[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    c0[i] = counter[0] + static_cast<std::uint32_t>(i);
    c1[i] = counter[1];
    c2[i] = counter[2];
    c3[i] = counter[3];
  }
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::uint64_t product0 = kMultiplier0 * c0[i];
      const std::uint64_t product1 = kMultiplier1 * c2[i];
      c0[i] = static_cast<std::uint32_t>(product1 >> 32) ^ c1[i] ^ key[0];
      c1[i] = static_cast<std::uint32_t>(product1);
      c2[i] = static_cast<std::uint32_t>(product0 >> 32) ^ c3[i] ^ key[1];
      c3[i] = static_cast<std::uint32_t>(product0);
    }
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    words[4 * i] = c0[i];
    words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i];
    words[4 * i + 3] = c3[i];
  }
}

std::array<std::uint32_t, 2> philox_key(const RandomKey& key) {
  return {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)};
}

std::array<std::uint32_t, 4> first_counter(const RandomKey& key) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 32;
  LOCKSTEP_ASSERT(key.time < kLimit && key.sample < kLimit && key.layer < (1U << 24), "random key out of range");
  return {0, (key.layer << 8) | static_cast<std::uint32_t>(key.purpose), static_cast<std::uint32_t>(key.time),
          static_cast<std::uint32_t>(key.sample)};
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(const RandomKey& key) : key_(philox_key(key)), counter_(first_counter(key)) {}

std::uint32_t RandomStream::next() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

double RandomStream::uniform() {
  const std::uint64_t high = next() >> 5;  // 27 bits
  const std::uint64_t low = next() >> 6;   // 26 bits
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  LOCKSTEP_ASSERT(bound > 0, "empty range");
  // Values under the remainder of 2^64 / bound would make small results likelier: draw again.
  const std::uint64_t rejected = (std::numeric_limits<std::uint64_t>::max() - bound + 1) % bound;
  while (true) {
    const std::uint64_t high = next();
    const std::uint64_t bits = (high << 32) | next();
    if (bits >= rejected) {
      return bits % bound;
    }
  }
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

void random_words(const RandomKey& key, std::uint32_t first_block, std::span<std::uint32_t> words) {
  constexpr std::size_t kWords = 4 * kLanes;
  std::array<std::uint32_t, 4> counter = first_counter(key);
  counter[0] = first_block;
  for (; !words.empty(); counter[0] += static_cast<std::uint32_t>(kLanes)) {
    if (words.size() >= kWords) {
      philox_lanes(counter, philox_key(key), words.data());
      words = words.subspan(kWords);
    } else {
      std::array<std::uint32_t, kWords> last;
      philox_lanes(counter, philox_key(key), last.data());
      std::copy_n(last.begin(), words.size(), words.begin());
      words = {};
    }
  }
}

}  // namespace lockstep
