#include "lockstep/train/guard.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/train/draws.h"
#include "lockstep/train/retry.h"

namespace lockstep::train {
namespace {

constexpr int kMostFailures = 3;           // in a row
constexpr int kMostSkips = 5;              // in a row
constexpr int kMostRollBacks = 2;          // in a row
constexpr int kMostLooks = 5;              // of a process
constexpr std::int64_t kCalmUpdates = 50;  // between two good states, and for a roll-back to count as a success
constexpr int kCalmSteps = 10;             // before a state counts as good

/// Whether a step was not finite, but for the search of a loss scale, unless that has come to where no gradient is.
bool was_skipped(const StepOutcome& outcome, const checkpoint::State& state) {
  const bool is_search = outcome.scale_was_cut && state.loss_scaler.scale >= 1;
  return !outcome.applied && outcome.verdict.failure.empty() && !outcome.is_empty() && !is_search;
}

/// The samples of a rank's passes in the step at `state`, in the pieces that there is memory for.
std::vector<std::vector<data::Draw>> draws_of_pieces(const Plan& plan, const Stage& stage,
                                                     const checkpoint::State& state, int rank) {
  std::vector<std::vector<data::Draw>> all;
  for (const std::vector<data::Draw>& pass : draws_of_passes(plan, stage, state, rank)) {
    for (const data::Range& piece : pieces(pass.size(), state.micro_batch)) {
      const auto draws = std::span(pass).subspan(piece.begin, piece.size());
      all.emplace_back(draws.begin(), draws.end());
    }
  }
  return all;
}

}  // namespace

Guard::Guard(parallel::Rank& rank, const Plan& plan, Replica& replica, Journal* journal)
    : rank_(rank), plan_(plan), replica_(replica), journal_(journal) {}

void Guard::before_step(const Stage& stage, const checkpoint::State& state) {
  const bool stage_begins = state.epoch == stage.first_epoch && state.step_in_epoch == 0;
  // At certain updates, so that a run that was resumed in between comes to the same good states.
  const bool is_calm = good_ && state.course.applied_in_a_row >= kCalmSteps &&
                       state.updates / kCalmUpdates > good_->updates / kCalmUpdates;
  if (good_ && !is_calm && !(stage_begins && state.course.skips_in_a_row == 0)) {
    return;
  }
  good_ = Good{state.updates, state.loss_scaler};
  if (journal_ != nullptr) {
    journal_->saver().keep(replica_.snapshot(state));
  }
}

void Guard::look_into(const Stage& stage, const checkpoint::State& state, StepOutcome& outcome) {
  if (!was_skipped(outcome, state) || state.course.skips_in_a_row > 0 || reports_ == kMostLooks ||
      replica_.batch_norm_group() != nullptr) {
    return;
  }
  ++reports_;
  // Where only a gradient was not finite, nobody knows yet whose.
  const std::vector<int>& ranks = outcome.verdict.not_finite_ranks;
  const bool is_concerned = ranks.empty() || std::ranges::find(ranks, rank_.index) != ranks.end();
  const std::optional<NonFinite> found = is_concerned ? look_again(stage, state, outcome.mean_extent) : std::nullopt;
  const std::string words = found ? to_json(*found).dump() : "";
  for (const auto& bytes : rank_.group.all_gather(std::as_bytes(std::span(words)))) {
    if (!bytes.empty()) {
      const auto* begin = reinterpret_cast<const char*>(bytes.data());
      outcome.findings.push_back(non_finite_from_json(nlohmann::json::parse(begin, begin + bytes.size())));
    }
  }
  outcome.was_looked_into = true;
}

/// Whatever stands in the way of it: the run can go on without.
std::optional<NonFinite> Guard::look_again(const Stage& stage, const checkpoint::State& state, double mean_extent) {
  try {
    const double count =
        static_cast<double>(stage.batches.positions(static_cast<std::uint64_t>(state.step_in_epoch)).size());
    const double scale = plan_.precision.scales_loss() ? state.loss_scaler.scale : 1.0;
    return find_first_non_finite(replica_, plan_, rank_.device,
                                 {{static_cast<std::uint64_t>(state.step), mean_extent},
                                  scale / count,
                                  draws_of_pieces(plan_, stage, state, rank_.index)});
  } catch (const std::logic_error&) {
    throw;  // a mistake of the program
  } catch (const std::exception& error) {
    log::warn(text("rank ", rank_.index, " could not do step ", state.step + 1,
                   " again to see where it was not finite: ", first_line(error.what())));
    return std::nullopt;
  }
}

void Guard::after_step(checkpoint::State& state, const StepOutcome& outcome) {
  const Verdict& verdict = outcome.verdict;
  checkpoint::Course& course = state.course;
  course.applied_in_a_row = outcome.applied ? course.applied_in_a_row + 1 : 0;
  course.skips_in_a_row = was_skipped(outcome, state) ? course.skips_in_a_row + 1 : 0;
  failures_in_a_row_ = verdict.failure.empty() ? 0 : failures_in_a_row_ + 1;
  if (course.skips_in_a_row > 0 || failures_in_a_row_ > 0) {
    replica_.restore_counts();  // what was not finite may have passed through them, or only part of the step
  }
  if (failures_in_a_row_ == kMostFailures) {
    const std::string problem = text(kMostFailures, " steps in a row failed, the last one with: ", verdict.failure);
    if (verdict.out_of_memory) {
      const bool one_at_a_time = samples_at_a_time(plan_.options.batch_size, state.micro_batch) == 1;
      throw MachineError(problem, text("lower ", one_at_a_time ? "" : "--batch-size or ", plan_.task.size_flag(),
                                       "; what was saved is safe"));
    }
    throw TrainingError(problem, "what was saved is safe: the same command resumes");
  }
  if (course.skips_in_a_row >= kMostSkips) {
    roll_back(state);
  }
}

void Guard::roll_back(checkpoint::State& state) {
  checkpoint::Course& course = state.course;
  const bool is_soon = course.rollbacks_in_a_row > 0 && state.updates < course.rolled_back_at + kCalmUpdates;
  course.rollbacks_in_a_row = is_soon ? course.rollbacks_in_a_row + 1 : 1;
  course.rolled_back_at = state.updates;
  if (course.rollbacks_in_a_row > kMostRollBacks) {
    throw TrainingError(
        text("the loss or its gradient was not finite in ", kMostSkips, " steps in a row, the last one ",
             state.step + 1, ", also after ", kMostRollBacks, " returns to earlier weights"),
        "begin anew with a lower --lr and --fresh, or look at the samples that were named");
  }
  replica_.take_back(journal_ != nullptr ? &journal_->saver().kept() : nullptr);
  state.loss_scaler = good_->loss_scaler;
  state.rate_factor /= 2;
  ++state.rollbacks;
  course.skips_in_a_row = 0;
  if (journal_ != nullptr) {
    journal_->rolled_back(state, good_->updates, kMostSkips);
  }
}

}  // namespace lockstep::train
