#include "lockstep/metrics/volume_distance.h"

#include <algorithm>
#include <array>

#include "lockstep/base/error.h"
#include "lockstep/metrics/lower_envelope.h"
#include "lockstep/metrics/share_out.h"

namespace lockstep::metrics {
namespace {

/// Lines that are gathered together: their values lie side by side, so that a cache line serves them all.
constexpr std::int64_t kLines = 16;

/// The longest distance whose square is less than kFar.
constexpr std::int32_t kLongest = 46340;

/// Within one row: the squared distance to the nearest marked voxel of the row.
void measure_row(std::span<const std::uint8_t> marked, std::span<std::int32_t> distances) {
  std::int32_t away = kFar;
  const auto step = [&away, marked, distances](std::size_t x) {
    away = marked[x] != 0 ? 0 : away == kFar ? kFar : away + 1;
    distances[x] = std::min(distances[x], away > kLongest ? kFar : away * away);
  };
  std::fill(distances.begin(), distances.end(), kFar);
  for (std::size_t x = 0; x < marked.size(); ++x) {
    step(x);
  }
  away = kFar;
  for (std::size_t x = marked.size(); x-- > 0;) {
    step(x);
  }
}

/// Takes one more axis into account, for lines of `length` values that are `stride` apart.
class LineTransform {
 public:
  LineTransform(std::int64_t length, std::int64_t stride, std::int32_t limit)
      : length_(length), stride_(stride), limit_(limit), gathered_(static_cast<std::size_t>(kLines * length)) {}

  /// For `count` neighbouring lines, the first of which begins at `first`.
  void run(std::int32_t* first, std::int64_t count) {
    for (std::int64_t done = 0; done < count; done += kLines) {
      run_block(first + done, std::min(kLines, count - done));
    }
  }

 private:
  void run_block(std::int32_t* first, std::int64_t count) {
    std::array<bool, kLines> is_near{};
    for (std::int64_t i = 0; i < length_; ++i) {
      for (std::int64_t line = 0; line < count; ++line) {
        const std::int32_t value = first[i * stride_ + line];
        gathered_[static_cast<std::size_t>(line * length_ + i)] = value;
        is_near[static_cast<std::size_t>(line)] |= value <= limit_;
      }
    }
    for (std::int64_t line = 0; line < count; ++line) {
      if (is_near[static_cast<std::size_t>(line)]) {
        run_line(
            std::span(gathered_).subspan(static_cast<std::size_t>(line * length_), static_cast<std::size_t>(length_)));
      }
    }
    for (std::int64_t i = 0; i < length_; ++i) {
      for (std::int64_t line = 0; line < count; ++line) {
        first[i * stride_ + line] = gathered_[static_cast<std::size_t>(line * length_ + i)];
      }
    }
  }

  void run_line(std::span<std::int32_t> line) {
    envelope_.start(length_);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] <= limit_ && line[i] != kFar) {
        envelope_.add(static_cast<std::int64_t>(i), line[i]);
      }
    }
    if (!envelope_.empty()) {
      envelope_.visit([line](std::int64_t i, const LowerEnvelope::Parabola& best) {
        line[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(std::min<std::int64_t>(best.at(i), kFar));
      });
    }
  }

  std::int64_t length_;
  std::int64_t stride_;
  std::int32_t limit_;
  std::vector<std::int32_t> gathered_;  // (line, length)
  LowerEnvelope envelope_;
};

}  // namespace

std::vector<std::int32_t> squared_distances(std::span<const std::uint8_t> marked, const media::VolumeShape& shape,
                                            std::int32_t limit, int threads) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(marked.size()) == shape.voxels(), "one mark a voxel");
  std::vector<std::int32_t> distances(marked.size());
  const std::int64_t slice = shape.height * shape.width;
  share_out(threads, shape.depth, [&](std::int64_t begin, std::int64_t end) {
    LineTransform columns(shape.height, shape.width, limit);
    for (std::int64_t z = begin; z < end; ++z) {
      for (std::int64_t y = 0; y < shape.height; ++y) {
        const auto width = static_cast<std::size_t>(shape.width);
        measure_row(marked.subspan(shape.at(z, y, 0), width), std::span(distances).subspan(shape.at(z, y, 0), width));
      }
      columns.run(&distances[shape.at(z, 0, 0)], shape.width);
    }
  });
  share_out(threads, shape.height, [&](std::int64_t begin, std::int64_t end) {
    LineTransform pillars(shape.depth, slice, limit);
    for (std::int64_t y = begin; y < end; ++y) {
      pillars.run(&distances[shape.at(0, y, 0)], shape.width);
    }
  });
  return distances;
}

}  // namespace lockstep::metrics
