#include "lockstep/base/faults.h"

#include <array>
#include <atomic>
#include <charconv>
#include <string_view>
#include <utility>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 10> kKinds{{
    {"nan-loss", FaultKind::kNanLoss},
    {"inf-grad", FaultKind::kInfGrad},
    {"oom-forward", FaultKind::kOomForward},
    {"oom-backward", FaultKind::kOomBackward},
    {"throw", FaultKind::kThrow},
    {"hang", FaultKind::kHang},
    {"slow", FaultKind::kSlow},
    {"kill", FaultKind::kKill},
    {"disk-full", FaultKind::kDiskFull},
    {"bad-sample", FaultKind::kBadSample},
}};

/// Takes the text up to a separator off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return taken;
}

UsageError cannot_read(std::string_view words, const std::string& remedy) {
  return UsageError(text("--inject cannot read '", words, "'"), remedy);
}

template <typename Number>
Number number(std::string_view words, Number minimum) {
  Number value{};
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), value);
  if (error != std::errc() || end != words.data() + words.size() || !(value >= minimum)) {
    throw cannot_read(words, text("give a number, at least ", minimum));
  }
  return value;
}

FaultKind kind_of(std::string_view name) {
  std::string names;
  for (const auto& [known, kind] : kKinds) {
    if (known == name) {
      return kind;
    }
    names += text(names.empty() ? "" : ", ", known);
  }
  throw cannot_read(name, text("the faults are ", names));
}

/// Each kind has the fields that change what it does, and `rank`.
void check_fields(const Fault& fault, std::string_view words) {
  const bool of_memory = fault.kind == FaultKind::kOomForward || fault.kind == FaultKind::kOomBackward;
  const bool lasts =
      fault.kind == FaultKind::kHang || fault.kind == FaultKind::kSlow || fault.kind == FaultKind::kDiskFull;
  if (fault.samples && !of_memory) {
    throw cannot_read(words, "samples= is for oom-forward and oom-backward");
  }
  if (fault.seconds && !lasts) {
    throw cannot_read(words, "seconds= is for hang, slow and disk-full");
  }
}

Fault parse_fault(std::string_view words) {
  std::string_view rest = words;
  std::string_view head = take(rest, ',');
  Fault fault;
  fault.kind = kind_of(take(head, '@'));
  fault.step = number<std::int64_t>(head, 1);
  while (!rest.empty()) {
    std::string_view value = take(rest, ',');
    const std::string_view name = take(value, '=');
    if (name == "rank") {
      fault.rank = number<int>(value, 0);
    } else if (name == "samples") {
      fault.samples = number<std::uint64_t>(value, 0);
    } else if (name == "seconds") {
      fault.seconds = number<double>(value, 0);
    } else {
      throw cannot_read(name, "a fault may have rank=, samples= and seconds=");
    }
  }
  check_fields(fault, words);
  return fault;
}

/// Up to when writes fail, in seconds of the clock.
std::atomic<double> full_until{0};

double now() { return Seconds(Clock::now().time_since_epoch()).count(); }

}  // namespace

bool Fault::strikes(int of_rank, std::int64_t in_step, std::uint64_t of_samples) const {
  const bool in_its_step = samples ? in_step >= step && of_samples > *samples : in_step == step;
  return in_its_step && rank.value_or(of_rank) == of_rank;
}

std::vector<Fault> parse_faults(const std::string& words) {
  std::vector<Fault> faults;
  for (std::string_view rest = words; !rest.empty();) {
    faults.push_back(parse_fault(take(rest, ';')));
  }
  return faults;
}

void let_writes_fail(double seconds) { full_until = now() + seconds; }

bool writes_fail() { return now() < full_until.load(std::memory_order_relaxed); }

}  // namespace lockstep
