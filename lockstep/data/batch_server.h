#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>

namespace lockstep::data {

/// What a comparison of loaders asks for: see `serve_batches`.
struct BatchServerOptions {
  std::filesystem::path set;  ///< holds img/NAME.jpg and mask/NAME.png
  int num_workers = 1;
  std::uint64_t warm_up_batches = 0;
  std::uint64_t measured_batches = 1;
};

/// One side of a comparison, idle between its turns. Prints READY; for every line "go" it takes the batches of the
/// warm-up, then those that are measured, and prints {"ips": images a second, "cpu_ms": milliseconds of CPU time an
/// image}. Ends at the end of `in` or at any other line. Batches are of 16 photographs with masks: random resized crop
/// to 352 x 352, flip, colours, normalised float32 planes. Throws DataError for a set that is not as described.
void serve_batches(const BatchServerOptions& options, std::istream& in, std::ostream& out);

/// Lets the calling thread, and those that it starts from now on, run on so many cores only: core 1 for one of them,
/// cores 0, 1, … for more. Throws MachineError where they are not there.
void pin_to_cores(int count);

}  // namespace lockstep::data
