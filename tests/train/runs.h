#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/observe/run_history.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/train/run.h"
#include "tests/support/temp_folder.h"

/// Short runs of the tiny tasks, and what they leave behind.
namespace lockstep::train {

using test::TempFolder;

inline constexpr double kRounding = 1e-5;
inline constexpr std::int64_t kGlobalBatch = 6;  // of 22 samples: four steps an epoch, the last one of four samples

inline TrainOptions options_in(const TempFolder& folder, int ranks) {
  TrainOptions options;
  options.checkpoint_dir = folder.path();
  options.devices = text("cpu:", ranks);
  options.epochs = 3;
  options.batch_size = 2;
  options.global_batch = kGlobalBatch;
  options.seed = 7;
  options.precision = "fp32";
  options.threads_per_rank = 1;
  options.num_workers = 1;
  options.watchdog_seconds = 60;
  return options;
}

inline RunEnd train(const tasks::Task& task, const TrainOptions& options) {
  const checkpoint::RunFolder folder(options.checkpoint_dir);
  return run(parallel::World(parallel::parse_devices(options.devices)), task, options, &folder,
             nlohmann::json::object());
}

inline observe::RunHistory history(const TempFolder& folder) { return observe::read_run_history(folder / "run.jsonl"); }

inline std::vector<nlohmann::json> events(const TempFolder& folder, const std::string& name) {
  std::vector<nlohmann::json> found;
  for (const nlohmann::json& record : observe::read_run_log(folder / "run.jsonl")) {
    if (record.at("event") == name) {
      found.push_back(record);
    }
  }
  return found;
}

/// How many of the log's warnings have these words.
inline std::ptrdiff_t warnings_with(const TempFolder& folder, const std::string& words) {
  return std::ranges::count_if(events(folder, "warning"), [&](const nlohmann::json& record) {
    return record.at("message").get<std::string>().find(words) != std::string::npos;
  });
}

inline checkpoint::Snapshot last_snapshot(const TempFolder& folder) {
  return checkpoint::load_snapshot(checkpoint::SnapshotFolder(folder.path()).last().value());
}

inline void expect_same_tensors(const checkpoint::NamedTensors& some, const checkpoint::NamedTensors& others) {
  ASSERT_EQ(some.size(), others.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(some[i].first, others[i].first);
    EXPECT_TRUE(at::equal(some[i].second, others[i].second)) << some[i].first;
  }
}

/// Weights, averaged weights, optimizer and state, the time aside.
inline void expect_same_snapshots(const TempFolder& some, const TempFolder& others) {
  checkpoint::Snapshot one = last_snapshot(some);
  checkpoint::Snapshot other = last_snapshot(others);
  expect_same_tensors(one.model, other.model);
  expect_same_tensors(one.ema, other.ema);
  expect_same_tensors(one.optimizer, other.optimizer);
  one.state.elapsed_seconds = other.state.elapsed_seconds = 0;
  one.state.costs = other.state.costs = {};
  EXPECT_EQ(checkpoint::to_json(one.state), checkpoint::to_json(other.state));
}

/// The log's numbers, with `tolerance` relative to their size; 0: the same bits.
inline void expect_same_history(const TempFolder& some, const TempFolder& others, double tolerance) {
  const observe::RunHistory one = history(some);
  const observe::RunHistory other = history(others);
  ASSERT_EQ(one.steps.size(), other.steps.size());
  for (std::size_t i = 0; i < one.steps.size(); ++i) {
    const observe::StepEvent& a = one.steps[i];
    const observe::StepEvent& b = other.steps[i];
    EXPECT_EQ(a.step, b.step);
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.samples, b.samples) << "step " << a.step;
    EXPECT_EQ(a.learning_rate, b.learning_rate) << "step " << a.step;
    if (std::isfinite(a.loss) || std::isfinite(b.loss)) {
      EXPECT_NEAR(a.loss, b.loss, tolerance * std::abs(a.loss)) << "step " << a.step;
    }
    if (std::isfinite(a.gradient_norm) || std::isfinite(b.gradient_norm)) {
      EXPECT_NEAR(a.gradient_norm, b.gradient_norm, tolerance * a.gradient_norm) << "step " << a.step;
    }
  }
  ASSERT_EQ(one.evaluations.size(), other.evaluations.size());
  for (std::size_t i = 0; i < one.evaluations.size(); ++i) {
    EXPECT_EQ(one.evaluations[i].step, other.evaluations[i].step);
    if (tolerance == 0) {
      EXPECT_EQ(one.evaluations[i].metrics, other.evaluations[i].metrics);
    }
  }
}

/// The same bits in everything that the runs have left: log, snapshot and weights.
inline void expect_same_runs(const TempFolder& some, const TempFolder& others) {
  expect_same_history(some, others, 0);
  expect_same_snapshots(some, others);
  EXPECT_EQ(read_file(some / "model.safetensors"), read_file(others / "model.safetensors"));
}

/// The loss of the sample at one place of one epoch's order, alone.
inline auto at_place(std::uint64_t epoch, std::uint64_t position, const std::function<double()>& what) {
  return [=](const data::Draw& draw) { return draw.epoch == epoch && draw.position == position ? what() : 0.0; };
}

inline double not_a_number() { return std::numeric_limits<double>::quiet_NaN(); }

}  // namespace lockstep::train
