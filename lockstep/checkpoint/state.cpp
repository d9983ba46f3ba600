#include "lockstep/checkpoint/state.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {

// The format's version: a reader refuses what it does not know. What 3 has and 2 had not has defaults.
constexpr int kVersion = 4;
constexpr int kOldestVersion = 2;

namespace {

constexpr std::int64_t kNoMost = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(const std::string& source, const std::string& field, const std::string& value) {
  throw DataError(text("'", source, "' cannot be a run's state: '", field, "' is ", value),
                  "write the name of another snapshot into checkpoints/last, or start anew with --fresh");
}

/// A whole number for an `int`, which a larger one would come out of as another one.
int int_from_json(const nlohmann::json& json, const char* field, const std::string& source) {
  const auto value = json.at(field).get<std::int64_t>();
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    refuse(source, field, std::to_string(value));
  }
  return static_cast<int>(value);
}

void check_whole_numbers(const State& state, const std::string& source) {
  const auto check = [&](const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) {
      refuse(source, field, std::to_string(value));
    }
  };
  check("step", state.step, 0, kNoMost);
  check("updates", state.updates, 0, state.step);
  check("skipped", state.skipped, 0, state.step);
  check("dropped", state.dropped, 0, state.step);
  check("epoch", state.epoch, 0, kNoMost);
  check("samples_per_epoch", state.samples_per_epoch, 0, kNoMost);
  check("step_in_epoch", state.step_in_epoch, 0, std::min(state.step, state.samples_per_epoch));
  for (const std::int64_t batch : state.global_batches) {
    check("global_batches", batch, 1, kNoMost);
  }
  check("evaluated_step", state.evaluated_step, 0, state.step);
  check("loss_scaler.growth_tracker", state.loss_scaler.growth_tracker, 0, kNoMost);
  check("plateau.reductions", state.plateau.reductions, 0, kNoMost);
  check("plateau.bad_evaluations", state.plateau.bad_evaluations, 0, kNoMost);
  check("plateau.cooldown_left", state.plateau.cooldown_left, 0, kNoMost);
  check("evaluate_every", state.evaluate_every, 1, kNoMost);
  check("world_size", state.world_size, 1, kNoMost);
  check("threads_per_rank", state.threads_per_rank, 1, 1 << 16);  // more than any machine has cores
  check("micro_batch", state.micro_batch, 0, kNoMost);
  check("rollbacks", state.rollbacks, 0, state.step);
  check("course.applied_in_a_row", state.course.applied_in_a_row, 0, state.updates);
  check("course.skips_in_a_row", state.course.skips_in_a_row, 0, state.step);
  check("course.rollbacks_in_a_row", state.course.rollbacks_in_a_row, 0, state.rollbacks);
  check("course.rolled_back_at", state.course.rolled_back_at, 0, state.updates);
  if (state.best) {
    check("best.step", state.best->step, 0, state.step);
  }
}

void check_other_numbers(const State& state, const std::string& source) {
  const auto check = [&](const char* field, double value, bool is_possible) {
    if (!is_possible || !std::isfinite(value)) {
      refuse(source, field, text(value));
    }
  };
  check("loss_scaler.scale", state.loss_scaler.scale, state.loss_scaler.scale > 0);
  check("elapsed_seconds", state.elapsed_seconds, state.elapsed_seconds >= 0);
  check("rate_factor", state.rate_factor, state.rate_factor > 0 && state.rate_factor <= 1);
  check("costs.step", state.costs.step, state.costs.step >= 0);
  check("costs.evaluation", state.costs.evaluation, state.costs.evaluation >= 0);
  check("costs.save", state.costs.save, state.costs.save >= 0);
  check("costs.finish", state.costs.finish, state.costs.finish >= 0);
}

/// Refuses what no run comes to: the loop would take it for a mistake of the program.
void check_ranges(const State& state, const std::string& source) {
  check_whole_numbers(state, source);
  check_other_numbers(state, source);
}

nlohmann::json plateau_to_json(const optim::PlateauState& plateau) {
  nlohmann::json json = {{"reductions", plateau.reductions},
                         {"best", nullptr},
                         {"bad_evaluations", plateau.bad_evaluations},
                         {"cooldown_left", plateau.cooldown_left}};
  if (plateau.best) {
    json["best"] = *plateau.best;
  }
  return json;
}

optim::PlateauState plateau_from_json(const nlohmann::json& json) {
  optim::PlateauState plateau;
  json.at("reductions").get_to(plateau.reductions);
  if (const auto& best = json.at("best"); !best.is_null()) {
    plateau.best = best.get<double>();
  }
  json.at("bad_evaluations").get_to(plateau.bad_evaluations);
  json.at("cooldown_left").get_to(plateau.cooldown_left);
  return plateau;
}

nlohmann::json course_to_json(const Course& course) {
  return {{"applied_in_a_row", course.applied_in_a_row},
          {"skips_in_a_row", course.skips_in_a_row},
          {"rollbacks_in_a_row", course.rollbacks_in_a_row},
          {"rolled_back_at", course.rolled_back_at}};
}

Course course_from_json(const nlohmann::json& json) {
  Course course;
  json.at("applied_in_a_row").get_to(course.applied_in_a_row);
  json.at("skips_in_a_row").get_to(course.skips_in_a_row);
  json.at("rollbacks_in_a_row").get_to(course.rollbacks_in_a_row);
  json.at("rolled_back_at").get_to(course.rolled_back_at);
  return course;
}

}  // namespace

nlohmann::json to_json(const State& state) {
  nlohmann::json json = {
      {"version", kVersion},
      {"seed", state.seed},
      {"step", state.step},
      {"updates", state.updates},
      {"skipped", state.skipped},
      {"dropped", state.dropped},
      {"epoch", state.epoch},
      {"step_in_epoch", state.step_in_epoch},
      {"global_batches", state.global_batches},
      {"samples_per_epoch", state.samples_per_epoch},
      {"evaluated_step", state.evaluated_step},
      {"loss_scaler", {{"scale", state.loss_scaler.scale}, {"growth_tracker", state.loss_scaler.growth_tracker}}},
      {"plateau", plateau_to_json(state.plateau)},
      {"precision", state.precision},
      {"evaluate_every", state.evaluate_every},
      {"landing_order", state.landing_order},
      {"memory_format", state.memory_format},
      {"on_cpu", state.on_cpu},
      {"world_size", state.world_size},
      {"threads_per_rank", state.threads_per_rank},
      {"elapsed_seconds", state.elapsed_seconds},
      {"micro_batch", state.micro_batch},
      {"rate_factor", state.rate_factor},
      {"rollbacks", state.rollbacks},
      {"course", course_to_json(state.course)},
      {"costs",
       {{"step", state.costs.step},
        {"evaluation", state.costs.evaluation},
        {"save", state.costs.save},
        {"finish", state.costs.finish}}},
      {"best", nullptr},
  };
  if (state.best) {
    json["best"] = {{"metric", state.best->metric}, {"value", state.best->value}, {"step", state.best->step}};
  }
  return json;
}

State state_from_json(const nlohmann::json& json, const std::string& source) {
  try {
    const auto version = json.at("version").get<int>();
    if (version < kOldestVersion || version > kVersion) {
      throw DataError(
          text("'", source, "' has version ", version, ", this program reads ", kOldestVersion, " to ", kVersion),
          "resume with the program that wrote it");
    }
    State state;
    json.at("seed").get_to(state.seed);
    json.at("step").get_to(state.step);
    json.at("updates").get_to(state.updates);
    json.at("skipped").get_to(state.skipped);
    json.at("dropped").get_to(state.dropped);
    json.at("epoch").get_to(state.epoch);
    json.at("step_in_epoch").get_to(state.step_in_epoch);
    json.at("global_batches").get_to(state.global_batches);
    json.at("samples_per_epoch").get_to(state.samples_per_epoch);
    json.at("evaluated_step").get_to(state.evaluated_step);
    json.at("loss_scaler").at("scale").get_to(state.loss_scaler.scale);
    state.loss_scaler.growth_tracker = int_from_json(json.at("loss_scaler"), "growth_tracker", source);
    state.plateau = plateau_from_json(json.at("plateau"));
    json.at("precision").get_to(state.precision);
    json.at("evaluate_every").get_to(state.evaluate_every);
    json.at("landing_order").get_to(state.landing_order);
    json.at("memory_format").get_to(state.memory_format);
    json.at("on_cpu").get_to(state.on_cpu);
    state.world_size = int_from_json(json, "world_size", source);
    state.threads_per_rank = int_from_json(json, "threads_per_rank", source);
    json.at("elapsed_seconds").get_to(state.elapsed_seconds);
    if (version >= 3) {
      json.at("micro_batch").get_to(state.micro_batch);
      json.at("rate_factor").get_to(state.rate_factor);
      json.at("rollbacks").get_to(state.rollbacks);
      const nlohmann::json& costs = json.at("costs");
      costs.at("step").get_to(state.costs.step);
      costs.at("evaluation").get_to(state.costs.evaluation);
      costs.at("save").get_to(state.costs.save);
      costs.at("finish").get_to(state.costs.finish);
    }
    if (version >= 4) {
      state.course = course_from_json(json.at("course"));
    }
    if (const auto& best = json.at("best"); !best.is_null()) {
      state.best = Best{best.at("metric").get<std::string>(), best.at("value").get<double>(),
                        best.at("step").get<std::int64_t>()};
    }
    check_ranges(state, source);
    return state;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(text("'", source, "' is not a run's state: ", error.what()),
                    "write the name of another snapshot into checkpoints/last, or start anew with --fresh");
  }
}

}  // namespace lockstep::checkpoint
