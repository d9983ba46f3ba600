#include "lockstep/checkpoint/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"

namespace lockstep::checkpoint::state_test {
namespace {

using testing::HasSubstr;

/// Every number differs from its default and from the others.
State sample_state() {
  return {.seed = 18446744073709551615U,
          .step = 1234,
          .updates = 1230,
          .skipped = 3,
          .dropped = 1,
          .epoch = 7,
          .step_in_epoch = 21,
          .global_batches = {48, 24},
          .samples_per_epoch = 4040,
          .loss_scaler = {.scale = 1024, .growth_tracker = 17},
          .plateau = {.reductions = 2, .best = 0.7, .bad_evaluations = 3, .cooldown_left = 1},
          .precision = "fp16",
          .memory_format = "contiguous",
          .evaluate_every = 5,
          .landing_order = {"head.weight", "stem.weight"},
          .threads_per_rank = 3,
          .elapsed_seconds = 0.1 + 0.2,
          .micro_batch = 3,
          .rate_factor = 0.25,
          .rollbacks = 2,
          .course = {.applied_in_a_row = 11, .skips_in_a_row = 3, .rollbacks_in_a_row = 1, .rolled_back_at = 1200},
          .costs = {.step = 0.5, .evaluation = 12, .save = 1.5, .finish = 7},
          .best = Best{"iou", 1.0 / 3.0, 1100}};
}

std::string refusal(const nlohmann::json& json) {
  try {
    state_from_json(json, "the/state.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "taken";
}

TEST(State, GoesThroughTextAndBackToTheBit) {
  const State state = sample_state();
  const State back = state_from_json(nlohmann::json::parse(to_json(state).dump()), "");
  EXPECT_EQ(back.seed, state.seed);
  EXPECT_EQ(back.step, state.step);
  EXPECT_EQ(back.updates, state.updates);
  EXPECT_EQ(back.epoch, state.epoch);
  EXPECT_EQ(back.step_in_epoch, state.step_in_epoch);
  EXPECT_EQ(back.global_batches, state.global_batches);
  EXPECT_EQ(back.loss_scaler, state.loss_scaler);
  EXPECT_EQ(back.plateau, state.plateau);
  EXPECT_EQ(back.precision, state.precision);
  EXPECT_EQ(back.skipped, state.skipped);
  EXPECT_EQ(back.dropped, state.dropped);
  EXPECT_EQ(back.evaluate_every, state.evaluate_every);
  EXPECT_EQ(back.landing_order, state.landing_order);
  EXPECT_EQ(back.memory_format, state.memory_format);
  EXPECT_EQ(back.samples_per_epoch, state.samples_per_epoch);
  EXPECT_EQ(back.threads_per_rank, state.threads_per_rank);
  EXPECT_EQ(back.elapsed_seconds, state.elapsed_seconds);
  EXPECT_EQ(back.micro_batch, state.micro_batch);
  EXPECT_EQ(back.rate_factor, state.rate_factor);
  EXPECT_EQ(back.rollbacks, state.rollbacks);
  EXPECT_EQ(back.course.applied_in_a_row, state.course.applied_in_a_row);
  EXPECT_EQ(back.course.skips_in_a_row, state.course.skips_in_a_row);
  EXPECT_EQ(back.course.rollbacks_in_a_row, state.course.rollbacks_in_a_row);
  EXPECT_EQ(back.course.rolled_back_at, state.course.rolled_back_at);
  EXPECT_EQ(back.costs.step, state.costs.step);
  EXPECT_EQ(back.costs.evaluation, state.costs.evaluation);
  EXPECT_EQ(back.costs.save, state.costs.save);
  EXPECT_EQ(back.costs.finish, state.costs.finish);
  EXPECT_EQ(back.best->metric, state.best->metric);
  EXPECT_EQ(back.best->value, state.best->value);
  EXPECT_EQ(back.best->step, state.best->step);
}

TEST(State, MayHaveNoBestYet) { EXPECT_FALSE(state_from_json(to_json(State{}), "").best.has_value()); }

TEST(State, NamesTheFieldThatIsMissingOrOfTheWrongKind) {
  const nlohmann::json complete = to_json(sample_state());
  for (const auto& [field, value] : complete.items()) {
    nlohmann::json json = complete;
    json.erase(field);
    EXPECT_THAT(refusal(json), AllOf(HasSubstr("the/state.json"), HasSubstr(field)));
  }
  nlohmann::json json = complete;
  json["step"] = "twelve";
  EXPECT_THAT(refusal(json), HasSubstr("the/state.json"));
}

TEST(State, NamesANumberThatNoRunComesTo) {
  const auto with = [](const char* field, const nlohmann::json& value) {
    nlohmann::json json = to_json(sample_state());
    json[field] = value;
    return refusal(json);
  };
  EXPECT_THAT(with("step", -1), HasSubstr("'step' is -1"));
  EXPECT_THAT(with("updates", 1235), HasSubstr("'updates' is 1235"));
  EXPECT_THAT(with("epoch", -5), HasSubstr("'epoch' is -5"));
  EXPECT_THAT(with("step_in_epoch", -1), HasSubstr("'step_in_epoch' is -1"));
  EXPECT_THAT(with("step_in_epoch", 4041), HasSubstr("'step_in_epoch' is 4041"));
  EXPECT_THAT(with("global_batches", {48, 0}), HasSubstr("'global_batches' is 0"));
  EXPECT_THAT(with("micro_batch", -1), HasSubstr("'micro_batch' is -1"));
  EXPECT_THAT(with("skipped", 1235), HasSubstr("'skipped' is 1235"));
  EXPECT_THAT(with("dropped", -1), HasSubstr("'dropped' is -1"));
  EXPECT_THAT(with("samples_per_epoch", -1), HasSubstr("'samples_per_epoch' is -1"));
  EXPECT_THAT(with("evaluated_step", 1235), HasSubstr("'evaluated_step' is 1235"));
  EXPECT_THAT(with("evaluate_every", 0), HasSubstr("'evaluate_every' is 0"));
  EXPECT_THAT(with("world_size", 0), HasSubstr("'world_size' is 0"));
  EXPECT_THAT(with("threads_per_rank", 0), HasSubstr("'threads_per_rank' is 0"));
  EXPECT_THAT(with("threads_per_rank", 4294967297), HasSubstr("'threads_per_rank' is 4294967297"));
  EXPECT_THAT(with("elapsed_seconds", -1), HasSubstr("'elapsed_seconds' is -1"));
  EXPECT_THAT(with("rate_factor", 0), HasSubstr("'rate_factor' is 0"));
  EXPECT_THAT(with("rate_factor", 2), HasSubstr("'rate_factor' is 2"));
  EXPECT_THAT(with("rollbacks", -1), HasSubstr("'rollbacks' is -1"));
}

TEST(State, NamesANumberOfAPartThatNoRunComesTo) {
  const auto with = [](const char* part, const char* field, const nlohmann::json& value) {
    nlohmann::json json = to_json(sample_state());
    json[part][field] = value;
    return refusal(json);
  };
  EXPECT_THAT(with("loss_scaler", "scale", 0), HasSubstr("'loss_scaler.scale' is 0"));
  EXPECT_THAT(with("loss_scaler", "growth_tracker", -1), HasSubstr("'loss_scaler.growth_tracker' is -1"));
  EXPECT_THAT(with("loss_scaler", "growth_tracker", 4294967296), HasSubstr("'growth_tracker' is 4294967296"));
  EXPECT_THAT(with("plateau", "reductions", -1), HasSubstr("'plateau.reductions' is -1"));
  EXPECT_THAT(with("plateau", "bad_evaluations", -1), HasSubstr("'plateau.bad_evaluations' is -1"));
  EXPECT_THAT(with("plateau", "cooldown_left", -1), HasSubstr("'plateau.cooldown_left' is -1"));
  EXPECT_THAT(with("course", "applied_in_a_row", 1231), HasSubstr("'course.applied_in_a_row' is 1231"));
  EXPECT_THAT(with("course", "skips_in_a_row", -1), HasSubstr("'course.skips_in_a_row' is -1"));
  EXPECT_THAT(with("course", "rollbacks_in_a_row", 3), HasSubstr("'course.rollbacks_in_a_row' is 3"));
  EXPECT_THAT(with("course", "rolled_back_at", 1231), HasSubstr("'course.rolled_back_at' is 1231"));
  EXPECT_THAT(with("costs", "save", -0.5), HasSubstr("'costs.save' is -0.5"));
  EXPECT_THAT(with("best", "step", 1235), HasSubstr("'best.step' is 1235"));
}

TEST(State, RefusesWhatALaterVersionWrote) {
  nlohmann::json json = to_json(sample_state());
  json["version"] = 99;
  EXPECT_THAT(refusal(json), HasSubstr("version 99"));
}

TEST(State, ReadsWhatTheVersionsBeforeWrote) {
  nlohmann::json json = to_json(sample_state());
  json["version"] = 3;
  json.erase("course");
  EXPECT_EQ(state_from_json(json, "the/state.json").rollbacks, 2);
  json["version"] = 2;
  for (const char* field : {"micro_batch", "rate_factor", "rollbacks", "costs"}) {
    json.erase(field);
  }
  const State state = state_from_json(json, "the/state.json");
  EXPECT_EQ(state.step, sample_state().step);
  EXPECT_EQ(state.micro_batch, 0);
  EXPECT_EQ(state.rate_factor, 1);
}

TEST(State, RefusesWhatIsNoObject) {
  EXPECT_THAT(refusal(nlohmann::json::array()), HasSubstr("the/state.json"));
  EXPECT_THAT(refusal(nlohmann::json::parse("{torn", nullptr, false)), HasSubstr("the/state.json"));
}

}  // namespace
}  // namespace lockstep::checkpoint::state_test
