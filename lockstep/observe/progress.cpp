#include "lockstep/observe/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <utility>

#include "lockstep/base/text.h"

namespace lockstep::observe {
namespace {

constexpr double kLossMemory = 0.9;  ///< weight of the past in the smoothed loss
constexpr const char* kClearLine = "\r\x1b[K";

std::string format(const char* pattern, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

std::string format_memory(std::uint64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 1024 ? format("%.0f MiB", mebibytes) : format("%.1f GiB", mebibytes / 1024);
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// A piece of the line; the least important ones give way first.
struct Piece {
  int importance;
  std::string text;
};

std::vector<Piece> pieces_of(const ProgressState& state, const ProgressReadings& readings) {
  std::vector<Piece> pieces;
  if (!state.stage.empty()) {
    pieces.push_back({6, state.stage});
  }
  pieces.push_back({8, text("epoch ", state.epoch, "/", state.epochs)});
  pieces.push_back({7, text("step ", state.step, "/", state.steps)});
  pieces.push_back({9, format("loss %.4f", readings.smoothed_loss)});
  pieces.push_back({4, format("lr %.2e", state.learning_rate)});
  if (!state.phase.empty()) {
    pieces.push_back({3, text("(", state.phase, ")")});
  }
  pieces.push_back({5, format("%.1f ", state.unit.rate(state.samples_per_second)) + state.unit.per_time()});
  if (!state.utilisation.empty()) {
    std::string busy = "busy";
    for (const double fraction : state.utilisation) {
      busy += format(" %.0f", 100 * fraction);
    }
    pieces.push_back({2, busy + " %"});
  }
  pieces.push_back({1, "RAM " + format_memory(readings.memory_bytes)});
  if (std::isfinite(readings.seconds_left)) {
    pieces.push_back({10, "ETA " + format_duration(readings.seconds_left)});
  }
  return pieces;
}

std::string join(const std::vector<Piece>& pieces) {
  std::string line;
  for (const Piece& piece : pieces) {
    const bool explains_the_piece_before = piece.text.front() == '(';
    line += text(line.empty() ? "" : explains_the_piece_before ? " " : "  ", piece.text);
  }
  return line;
}

}  // namespace

std::string progress_line(const ProgressState& state, const ProgressReadings& readings, std::size_t columns) {
  std::vector<Piece> pieces = pieces_of(state, readings);
  std::string line = join(pieces);
  while (line.size() > columns && pieces.size() > 1) {
    pieces.erase(std::ranges::min_element(pieces, {}, &Piece::importance));
    line = join(pieces);
  }
  return line.substr(0, columns);
}

ProgressOptions ProgressOptions::for_stderr() {
  ProgressOptions options;
  options.terminal = ::isatty(STDERR_FILENO) == 1;
  return options;
}

Progress::Progress(ProgressOptions options, std::ostream& out) : options_(options), out_(out) {
  if (options_.terminal) {
    sink_before_ = log::set_sink([this](log::Level level, const std::string& message) {
      const std::lock_guard lock(mutex_);
      out_ << kClearLine << std::flush;
      sink_before_(level, message);
      if (first_step_ >= 0) {
        show();
      }
    });
  }
}

Progress::~Progress() {
  if (options_.terminal) {
    log::set_sink(std::move(sink_before_));
  }
  if (pending_) {
    show();
  }
  if (options_.terminal && first_step_ >= 0) {
    out_ << std::endl;
  }
}

void Progress::update(const ProgressState& state, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (first_step_ < 0) {
    first_step_ = state.step;
    first_time_ = now;
  } else if (!options_.terminal && pending_ && state.epoch != state_.epoch) {
    show();  // how the epoch ended
  }
  const bool due =
      shown_at_ == Clock::time_point::min() ||
      Seconds(now - shown_at_).count() >= (options_.terminal ? options_.redraw_seconds : options_.line_seconds);
  state_ = state;
  now_ = now;
  if (std::isfinite(state.loss)) {
    smoothed_loss_ =
        std::isnan(smoothed_loss_) ? state.loss : kLossMemory * smoothed_loss_ + (1 - kLossMemory) * state.loss;
  }
  pending_ = true;
  if (due) {
    show();
    shown_at_ = now;
  }
}

void Progress::show() {
  if (options_.terminal) {
    out_ << kClearLine << line() << std::flush;
  } else {
    out_ << line() << std::endl;
  }
  pending_ = false;
}

std::string Progress::line() const {
  const double seconds_a_step =
      Seconds(now_ - first_time_).count() / static_cast<double>(state_.step - first_step_);  // NaN after the first
  const ProgressReadings readings{smoothed_loss_, resident_bytes(),
                                  seconds_a_step * static_cast<double>(state_.steps - state_.step)};
  if (!options_.terminal) {
    return progress_line(state_, readings, std::string::npos);
  }
  // The last column stays free: some terminals break the line there.
  return progress_line(state_, readings, (options_.columns > 0 ? options_.columns : terminal_columns()) - 1);
}

}  // namespace lockstep::observe
