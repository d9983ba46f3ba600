#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace lockstep {

/// Philox4x32-10: ten rounds that turn a counter and a key into 128 random bits.
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What random numbers are drawn for. Two purposes never share a number.
enum class Purpose : std::uint8_t {
  kOrder = 1,      ///< the order of an epoch
  kAugment = 2,    ///< how a sample is cropped, flipped, coloured
  kWeights = 3,    ///< initial weights
  kDropout = 4,    ///< dropped units, by layer
  kDropPath = 5,   ///< dropped residual branches, by layer
  kSelection = 6,  ///< which examples are shown
  kScale = 7,      ///< the size of the images of a step
};

/// Which numbers: a stream is a function of these and of nothing else, so neither thread, rank nor resume can change
/// it.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::kOrder;
  std::uint64_t time = 0;    ///< epoch or step; below 2^32
  std::uint64_t sample = 0;  ///< position in the epoch's order; below 2^32
  std::uint32_t layer = 0;   ///< tells streams of one purpose apart; below 2^24
};

/// The sequence of random numbers that belongs to a key.
class RandomStream {
 public:
  explicit RandomStream(const RandomKey& key);

  /// 32 random bits.
  std::uint32_t next();

  /// Uniform in [0, 1), on a grid of 2^-53.
  double uniform();

  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in 0 … bound - 1, without bias; bound must be at least 1.
  std::uint64_t below(std::uint64_t bound);

  /// True with the given probability.
  bool chance(double probability) { return uniform() < probability; }

  /// Standard normal (Box and Muller).
  double normal();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

/// Numbers 4 * first_block, 4 * first_block + 1, … of what RandomStream::next gives for that key, many at a time.
void random_words(const RandomKey& key, std::uint32_t first_block, std::span<std::uint32_t> words);

}  // namespace lockstep
