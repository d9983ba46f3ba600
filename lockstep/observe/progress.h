#pragma once

#include <cstdint>
#include <iostream>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/log.h"
#include "lockstep/base/sample_unit.h"

namespace lockstep::observe {

/// How far a run is, after a step.
struct ProgressState {
  std::string stage;       ///< empty where the run has one stage only
  std::int64_t epoch = 0;  ///< from 1
  std::int64_t epochs = 0;
  std::int64_t step = 0;   ///< of the whole run
  std::int64_t steps = 0;  ///< of the whole run
  double loss = 0;         ///< of this step; what is shown is smoothed
  double learning_rate = 0;
  std::string phase;              ///< why the learning rate is what it is, as in "warm-up 3/10"
  double samples_per_second = 0;  ///< over all ranks
  SampleUnit unit{};
  std::vector<double> utilisation;  ///< of each rank, 0 … 1: time in which it waits neither for data nor for others
};

/// What is shown beside the state.
struct ProgressReadings {
  double smoothed_loss = 0;
  std::uint64_t memory_bytes = 0;  ///< resident memory of the process
  double seconds_left = 0;         ///< NaN where it is not known yet
};

/// One line of at most `columns` characters: what matters least is left out first.
std::string progress_line(const ProgressState& state, const ProgressReadings& readings, std::size_t columns);

struct ProgressOptions {
  bool terminal = false;    ///< whether the line is written again in place
  std::size_t columns = 0;  ///< of the terminal; 0: asks it before each line
  double redraw_seconds = 0.2;
  double line_seconds = 10;  ///< between lines that stay

  /// What fits stderr.
  static ProgressOptions for_stderr();
};

/// Shows how far a run is: on a terminal in one line that stays at the bottom while messages of the log scroll by above
/// it; elsewhere in lines, one every few seconds and one at the end of each epoch. Made and destroyed while no other
/// thread logs.
class Progress {
 public:
  explicit Progress(ProgressOptions options = ProgressOptions::for_stderr(), std::ostream& out = std::cerr);

  /// Shows the last state if that has not happened yet.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const ProgressState& state, Clock::time_point now = Clock::now());

 private:
  void show();
  std::string line() const;

  ProgressOptions options_;
  std::ostream& out_;
  log::Sink sink_before_;

  std::mutex mutex_;  ///< guards what follows: the log's lines come from any thread
  ProgressState state_;
  double smoothed_loss_ = std::numeric_limits<double>::quiet_NaN();
  bool pending_ = false;  ///< whether state_ has not been shown yet
  std::int64_t first_step_ = -1;
  Clock::time_point first_time_;
  Clock::time_point now_;
  Clock::time_point shown_at_ = Clock::time_point::min();
};

}  // namespace lockstep::observe
