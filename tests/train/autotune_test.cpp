#include "lockstep/train/autotune.h"

#include <gmock/gmock.h>

#include <mutex>
#include <set>

#include "lockstep/base/error.h"
#include "lockstep/train/memory_format.h"
#include "lockstep/train/tuning.h"
#include "tests/support/logged_lines.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::autotune_test {
namespace {

using test::LoggedLines;
using testing::ElementsAre;
using testing::HasSubstr;
using Formats = std::set<at::MemoryFormat>;

constexpr at::MemoryFormat kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr at::MemoryFormat kContiguous = at::MemoryFormat::Contiguous;

/// Hands everything on to another task, and notes the memory formats in which its models are asked to compute losses.
class WatchedTask : public tasks::Task {
 public:
  std::string name() const override { return task_->name(); }
  const data::Dataset& training_set() const override { return task_->training_set(); }
  const data::Dataset& evaluation_set() const override { return task_->evaluation_set(); }
  std::map<std::string, double> summarise(std::span<const tasks::Record> records) const override {
    return task_->summarise(records);
  }
  std::string best_metric() const override { return task_->best_metric(); }
  std::unique_ptr<tasks::Model> make_model(std::optional<std::uint64_t> seed) const override {
    return std::make_unique<WatchedModel>(*this, task_->make_model(seed));
  }

  Formats take_formats() const { return std::exchange(formats_, {}); }

 private:
  class WatchedModel : public tasks::Model {
   public:
    WatchedModel(const WatchedTask& watch, std::unique_ptr<tasks::Model> model)
        : watch_(watch), model_(std::move(model)) {}

    torch::nn::Module& network() override { return model_->network(); }
    std::string backbone_prefix() const override { return model_->backbone_prefix(); }
    void set_memory_format(at::MemoryFormat format) override { format_ = format; }
    at::Tensor losses(const tasks::DeviceBatch& batch) override {
      const std::lock_guard lock(watch_.mutex_);
      watch_.formats_.insert(format_);
      return model_->losses(batch);
    }
    std::vector<tasks::Record> score(const tasks::DeviceBatch& batch) override { return model_->score(batch); }
    std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }

   private:
    const WatchedTask& watch_;
    std::unique_ptr<tasks::Model> model_;
    at::MemoryFormat format_ = at::MemoryFormat::Preserve;
  };

  std::unique_ptr<tasks::Task> task_ = test::make_patch_task();
  mutable std::mutex mutex_;
  mutable Formats formats_;
};

/// As `options_in`, with nothing said about threads and memory format.
TrainOptions open_options(const TempFolder& folder, int ranks) {
  TrainOptions options = options_in(folder, ranks);
  options.threads_per_rank.reset();
  return options;
}

void tune(const tasks::Task& task, TrainOptions& options) {
  data::BadSamples none(0);
  autotune(parallel::World(parallel::parse_devices(options.devices)), task, options, none);
}

TEST(MemoryFormat, OfARunIsTheOneAskedForAndIsKept) {
  const WatchedTask task;
  TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.memory_format = "contiguous";
  options.max_steps = 2;
  train(task, options);
  EXPECT_EQ(task.take_formats(), Formats{kContiguous});
  EXPECT_EQ(last_snapshot(folder).state.memory_format, "contiguous");

  options.memory_format = "auto";
  options.max_steps = 3;
  train(task, options);
  EXPECT_EQ(task.take_formats(), Formats{kContiguous});

  options.memory_format = "channels-last";
  options.max_steps = 4;
  train(task, options);
  EXPECT_EQ(task.take_formats(), Formats{kChannelsLast});
}

TEST(MemoryFormat, IsChannelsLastByDefault) {
  EXPECT_EQ(choose_memory_format("auto").of_tensors(), kChannelsLast);
  EXPECT_EQ(choose_memory_format("channels-last").of_tensors(), kChannelsLast);
  EXPECT_EQ(choose_memory_format("contiguous").of_tensors(), kContiguous);
  EXPECT_THROW(choose_memory_format("nhwc"), UsageError);
}

TEST(Tuning, TriesBothFormatsWithUpToAllThreadsAndTheRulesChoiceFirst) {
  const auto of_six = tunings_to_try({}, 6);
  ASSERT_EQ(of_six.size(), 8U);
  EXPECT_EQ(of_six[0], (Tuning{"channels-last", 6}));
  EXPECT_EQ(of_six[3], (Tuning{"channels-last", 4}));
  EXPECT_EQ(of_six[7], (Tuning{"contiguous", 4}));
  EXPECT_THAT(tunings_to_try({}, 1), ElementsAre(Tuning{"channels-last", 1}, Tuning{"contiguous", 1}));
}

TEST(Tuning, TriesNothingBesideWhatIsGiven) {
  TrainOptions options;
  options.threads_per_rank = 3;
  EXPECT_THAT(tunings_to_try(options, 2), ElementsAre(Tuning{"channels-last", 3}, Tuning{"contiguous", 3}));
  options.memory_format = "contiguous";
  EXPECT_THAT(tunings_to_try(options, 2), ElementsAre(Tuning{"contiguous", 3}));
  options.threads_per_rank.reset();
  EXPECT_THAT(tunings_to_try(options, 2), ElementsAre(Tuning{"contiguous", 2}, Tuning{"contiguous", 1}));
}

/// What the ranks of a world come to, where `seconds` says how long a step of a rank takes, and how many they made.
struct Outcome {
  std::vector<Trial> trials;
  int steps = 0;
};

std::vector<Outcome> try_on_ranks(int ranks, const std::vector<Tuning>& tunings, double budget,
                                  const std::function<double(int rank, const Tuning&, int step)>& seconds) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(ranks));
  parallel::launch(parallel::parse_devices(text("cpu:", ranks)), {}, [&](parallel::Rank& rank) {
    Outcome& outcome = outcomes[static_cast<std::size_t>(rank.index)];
    const auto step = [&](const Tuning& tuning) {
      rank.group.barrier();  // a rank that made another number of steps would be waited for in vain
      return seconds(rank.index, tuning, outcome.steps++);
    };
    outcome.trials = try_out(rank.group, tunings, step, Seconds(budget));
  });
  return outcomes;
}

TEST(Tuning, AllRanksComeToTheTimesOfTheSlowest) {
  const std::vector<Tuning> tunings = {{"channels-last", 1}, {"contiguous", 1}};
  const auto outcomes = try_on_ranks(3, tunings, 100, [](int rank, const Tuning& tuning, int) {
    return tuning.memory_format == "contiguous" && rank == 2 ? 3.0 : 1.0 + 0.1 * rank;
  });
  for (const Outcome& outcome : outcomes) {
    ASSERT_EQ(outcome.trials.size(), 2U);
    EXPECT_EQ(outcome.trials[0].seconds, 1.2);
    EXPECT_EQ(outcome.trials[1].seconds, 3.0);
    EXPECT_EQ(outcome.steps, 12);
    EXPECT_EQ(winner_of(outcome.trials).tuning, tunings[0]);
  }
}

TEST(Tuning, NeitherTheFirstStepNorASingleSlowOneCounts) {
  const auto outcomes = try_on_ranks(1, {{"contiguous", 1}}, 1000,
                                     [](int, const Tuning&, int step) { return step == 0 || step == 3 ? 50.0 : 2.0; });
  EXPECT_EQ(outcomes[0].trials[0].seconds, 2.0);
}

TEST(Tuning, SlowStepsAreFewAndTheLastTuningsAreLeftOut) {
  const std::vector<Tuning> tunings = {{"channels-last", 1}, {"channels-last", 2}, {"contiguous", 1}};
  const auto outcomes = try_on_ranks(2, tunings, 20, [](int rank, const Tuning&, int) { return 5.0 + rank; });
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.trials.size(), 2U);
    EXPECT_EQ(outcome.steps, 4);
  }
  EXPECT_EQ(try_on_ranks(1, tunings, 20, [](int, const Tuning&, int) { return 100.0; })[0].trials.size(), 1U);
}

TEST(Tuning, TheRulesChoiceGivesWayToWhatIsClearlyFasterOnly) {
  const std::vector<Trial> close = {{{"channels-last", 4}, 1.0}, {{"channels-last", 2}, 0.98}};
  EXPECT_EQ(winner_of(close).tuning.threads_per_rank, 4);
  const std::vector<Trial> clear = {{{"channels-last", 4}, 1.0}, {{"channels-last", 2}, 0.9}, {{"contiguous", 4}, 0.8}};
  EXPECT_EQ(winner_of(clear).tuning, (Tuning{"contiguous", 4}));
}

TEST(Autotune, SetsWhatIsLeftOpenAndSaysWhatItTried) {
  for (const int ranks : {1, 2}) {
    const WatchedTask task;
    TempFolder folder;
    TrainOptions options = open_options(folder, ranks);
    const LoggedLines logged;
    tune(task, options);
    EXPECT_EQ(task.take_formats(), (Formats{kContiguous, kChannelsLast}));
    EXPECT_NE(options.memory_format, "auto");
    ASSERT_TRUE(options.threads_per_rank.has_value());
    EXPECT_THAT(logged.text(), HasSubstr(text("--autotune: --memory-format ", options.memory_format,
                                              " --threads-per-rank ", *options.threads_per_rank)));
    EXPECT_THAT(logged.text(), HasSubstr("  channels-last"));
    EXPECT_THAT(logged.text(), HasSubstr("  contiguous"));
    EXPECT_FALSE(checkpoint::SnapshotFolder(folder.path()).has_any());
  }
}

TEST(Autotune, LeavesWhatIsGiven) {
  const WatchedTask task;
  TempFolder folder;
  TrainOptions options = open_options(folder, 2);
  options.memory_format = "contiguous";
  tune(task, options);
  EXPECT_EQ(task.take_formats(), Formats{kContiguous});
  EXPECT_EQ(options.memory_format, "contiguous");

  options.threads_per_rank = 2;
  tune(task, options);
  EXPECT_EQ(task.take_formats(), Formats{});
  EXPECT_EQ(options.threads_per_rank, 2);

  options.memory_format = "auto";
  tune(task, options);
  EXPECT_EQ(options.threads_per_rank, 2);
  EXPECT_NE(options.memory_format, "auto");
}

TEST(Autotune, MeasuresTheWholeNetworkOfARunOfTwoStages) {
  TempFolder folder;
  TrainOptions options = open_options(folder, 2);
  options.stage1_epochs = 1;
  options.progressive_unfreeze = true;
  options.ema_decay = 0.99;
  tune(*test::make_patch_task(), options);
  EXPECT_NE(options.memory_format, "auto");
}

TEST(Autotune, WorksWithFewerSamplesThanRanks) {
  TempFolder folder;
  TrainOptions options = open_options(folder, 3);
  options.global_batch = 2;
  tune(*test::make_patch_task({.training_samples = 2}), options);
  EXPECT_NE(options.memory_format, "auto");
}

TEST(Autotune, OfARankThatFailsBringsDownTheOthers) {
  TempFolder folder;
  TrainOptions options = open_options(folder, 2);
  const auto task =
      test::make_patch_task({.disturbance = at_place(0, 0, [] { return throw std::runtime_error("bad"), 0.0; })});
  EXPECT_THROW(tune(*task, options), TrainingError);
  EXPECT_EQ(options.memory_format, "auto");
}

}  // namespace
}  // namespace lockstep::train::autotune_test
