#include "lockstep/optim/schedule_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "lockstep/base/error.h"

namespace lockstep::optim::schedule_choice_test {
namespace {

using testing::HasSubstr;
using testing::Optional;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

ScheduleChoice choice_of(const std::string& scheduler) {
  ScheduleChoice choice;
  choice.scheduler = scheduler;
  return choice;
}

void expect_refused(const ScheduleChoice& choice, const std::string& flag) {
  try {
    in_steps(choice, 5, 10, choice.learning_rate);
    FAIL() << "accepted, though " << flag << " is wrong";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith(flag));
  }
}

TEST(ScheduleChoice, TurnsEpochsIntoSteps) {
  ScheduleChoice choice = choice_of("restarts");
  choice.warmup_epochs = 1.5;
  choice.restart_epochs = 4;
  choice.restart_factor = 3;
  choice.min_learning_rate = 1e-5;
  const ScheduleOptions options = in_steps(choice, 20, 45, 0.5);
  EXPECT_EQ(options.kind, ScheduleKind::kRestarts);
  EXPECT_EQ(options.learning_rate, 0.5);
  EXPECT_EQ(options.min_learning_rate, 1e-5);
  EXPECT_EQ(options.warmup_steps, 68);
  EXPECT_EQ(options.total_steps, 900);
  EXPECT_EQ(options.restart_steps, 180);
  EXPECT_EQ(options.restart_factor, 3);
  EXPECT_EQ(in_steps(choice_of("step"), 60, 45, 1).step_length, 30 * 45);
}

TEST(ScheduleChoice, CarriesEachNumberToItsSchedule) {
  ScheduleChoice choice = choice_of("polynomial");
  choice.power = 0.9;
  EXPECT_EQ(in_steps(choice, 5, 10, 1).power, 0.9);
  choice = choice_of("step");
  choice.gamma = 0.5;
  EXPECT_EQ(in_steps(choice, 5, 10, 1).gamma, 0.5);
  choice = choice_of("plateau");
  choice.plateau_factor = 0.5;
  choice.plateau_patience = 3;
  choice.plateau_threshold = 0.01;
  choice.plateau_cooldown = 2;
  const PlateauOptions plateau = in_steps(choice, 5, 10, 1).plateau;
  EXPECT_EQ(plateau.factor, 0.5);
  EXPECT_EQ(plateau.patience, 3);
  EXPECT_EQ(plateau.threshold, 0.01);
  EXPECT_EQ(plateau.cooldown, 2);
}

TEST(ScheduleChoice, EveryNameIsASchedule) {
  for (const std::string& name : schedule_names()) {
    EXPECT_NO_THROW(Schedule(in_steps(choice_of(name), 5, 10, 1e-9))) << name;
  }
  EXPECT_EQ(in_steps(choice_of("restarts"), 5, 10, 1e-3).min_learning_rate, 1e-6);
  EXPECT_EQ(in_steps(choice_of("cosine"), 5, 10, 1e-3).min_learning_rate, 0);
  expect_refused(choice_of("linear"), "--scheduler 'linear'");
}

TEST(ScheduleChoice, ANumberOutOfItsRangeIsAnErrorThatNamesItsFlag) {
  struct Case {
    const char* scheduler;
    const char* flag;
    std::function<void(ScheduleChoice&)> spoil;
  };
  const std::vector<Case> cases = {
      {"cosine", "--lr", [](auto& choice) { choice.learning_rate = 0; }},
      {"cosine", "--lr", [](auto& choice) { choice.learning_rate = kNotANumber; }},
      {"cosine", "--min-lr", [](auto& choice) { choice.min_learning_rate = -1; }},
      {"cosine", "--min-lr", [](auto& choice) { choice.min_learning_rate = 1; }},
      {"cosine", "--warmup-epochs", [](auto& choice) { choice.warmup_epochs = -1; }},
      {"cosine", "--warmup-epochs", [](auto& choice) { choice.warmup_epochs = 5; }},
      {"onecycle", "--warmup-epochs", [](auto& choice) { choice.warmup_epochs = 6; }},
      {"restarts", "--restart-epochs", [](auto& choice) { choice.restart_epochs = 0; }},
      {"restarts", "--restart-factor", [](auto& choice) { choice.restart_factor = 0; }},
      {"polynomial", "--power", [](auto& choice) { choice.power = -1; }},
      {"step", "--step-epochs", [](auto& choice) { choice.step_epochs = 0; }},
      {"step", "--gamma", [](auto& choice) { choice.gamma = 1; }},
      {"plateau", "--plateau-factor", [](auto& choice) { choice.plateau_factor = 1; }},
      {"plateau", "--plateau-patience", [](auto& choice) { choice.plateau_patience = -1; }},
      {"plateau", "--plateau-threshold", [](auto& choice) { choice.plateau_threshold = kNotANumber; }},
      {"plateau", "--plateau-cooldown", [](auto& choice) { choice.plateau_cooldown = -1; }},
      {"cosine", "--lr-base-batch", [](auto& choice) { choice.lr_base_batch = 0; }},
      {"cosine", "--lr-scaling", [](auto& choice) { choice.lr_scaling = "cubic"; }},
      {"cosine", "--lr-scaling", [](auto& choice) { choice.lr_scaling = "linear"; }},
      {"cosine", "--deep-supervision-lr-factor", [](auto& choice) { choice.deep_supervision_lr_factor = 0; }},
  };
  for (const Case& broken : cases) {
    ScheduleChoice choice = choice_of(broken.scheduler);
    EXPECT_NO_THROW(choice.validate());
    broken.spoil(choice);
    expect_refused(choice, broken.flag);
  }
}

TEST(ScheduleChoice, ANumberThatTheScheduleDoesNotUseIsRefused) {
  ScheduleChoice choice = choice_of("onecycle");
  choice.min_learning_rate = 0;
  try {
    choice.validate();
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "--min-lr does not go with --scheduler onecycle; leave out --min-lr, or choose --scheduler cosine, "
                 "restarts or plateau");
  }
  choice = choice_of("cosine");
  choice.restart_epochs = 10;
  expect_refused(choice, "--restart-epochs");
  choice = choice_of("restarts");
  choice.gamma = 0.5;
  expect_refused(choice, "--gamma");
  choice = choice_of("step");
  choice.plateau_patience = 5;
  expect_refused(choice, "--plateau-patience");
}

TEST(ScheduleChoice, WarnsOfARunThatEndsInTheMiddleOfAFall) {
  ScheduleChoice choice = choice_of("restarts");
  choice.warmup_epochs = 2;
  const auto word = [&](std::int64_t epochs) { return word_on_open_restart(in_steps(choice, epochs, 45, 2e-3), 45); };
  EXPECT_EQ(word(32), std::nullopt);
  EXPECT_EQ(word(12), std::nullopt);
  EXPECT_THAT(word(40), Optional(HasSubstr("32 or 72 epochs would end with a fall")));
  EXPECT_THAT(word(40), Optional(HasSubstr("the learning rate is still 0.0018")));
  EXPECT_THAT(word(5), Optional(HasSubstr("restarts; 12 epochs would end with a fall")));
  choice.scheduler = "constant";
  EXPECT_EQ(word(40), std::nullopt);
}

}  // namespace
}  // namespace lockstep::optim::schedule_choice_test
