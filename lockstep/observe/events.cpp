#include "lockstep/observe/events.h"

#include <limits>

namespace lockstep::observe {
namespace {

double number_or_nan(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::map<std::string, double> numbers_by_name(const nlohmann::json& object) {
  std::map<std::string, double> numbers;
  for (const auto& [name, value] : object.items()) {
    numbers[name] = number_or_nan(value);
  }
  return numbers;
}

}  // namespace

void to_json(nlohmann::json& fields, const StartEvent& event) {
  fields = {{"step", event.step},
            {"world_size", event.world_size},
            {"global_batch", event.global_batch},
            {"age_seconds", event.age_seconds},
            {"recipe", event.recipe}};
}

void to_json(nlohmann::json& fields, const StepEvent& event) {
  fields = {{"step", event.step},        {"epoch", event.epoch},     {"loss", event.loss},
            {"lr", event.learning_rate}, {"samples", event.samples}, {"gradient_norm", event.gradient_norm},
            {"seconds", event.seconds}};
}

void to_json(nlohmann::json& fields, const EvaluateEvent& event) {
  fields = {{"step", event.step}, {"split", event.split}, {"metrics", event.metrics}};
}

void to_json(nlohmann::json& fields, const CheckpointEvent& event) {
  fields = {{"step", event.step},
            {"path", event.path},
            {"bytes", event.bytes},
            {"stall_seconds", event.stall_seconds},
            {"write_seconds", event.write_seconds}};
}

void to_json(nlohmann::json& fields, const EndEvent& event) {
  fields = {{"reason", event.reason}, {"seconds", event.seconds}, {"wall_seconds", event.wall_seconds}};
}

void from_json(const nlohmann::json& fields, StepEvent& event) {
  fields.at("step").get_to(event.step);
  fields.at("epoch").get_to(event.epoch);
  event.loss = number_or_nan(fields.at("loss"));
  event.learning_rate = number_or_nan(fields.at("lr"));
  fields.at("samples").get_to(event.samples);
  event.gradient_norm = number_or_nan(fields.at("gradient_norm"));
  event.seconds = numbers_by_name(fields.at("seconds"));
}

void from_json(const nlohmann::json& fields, EvaluateEvent& event) {
  fields.at("step").get_to(event.step);
  fields.at("split").get_to(event.split);
  event.metrics = numbers_by_name(fields.at("metrics"));
}

}  // namespace lockstep::observe
