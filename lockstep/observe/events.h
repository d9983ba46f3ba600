#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

/// The records of a run's log. Each struct names its `event` and turns itself into the fields of the record; numbers
/// that are not finite become null there, and NaN again when they are read.
namespace lockstep::observe {

/// The run begins, or goes on after a resume.
struct StartEvent {
  static constexpr const char* kName = "start";
  std::int64_t step = 0;  ///< steps that were done before: 0 in a fresh run
  int world_size = 1;
  std::int64_t global_batch = 0;  ///< samples a step over all ranks
  nlohmann::json recipe;          ///< every option that the run was given, by name
  double age_seconds = 0;         ///< that the program had then been running
};

/// One global batch was consumed.
struct StepEvent {
  static constexpr const char* kName = "step";
  std::int64_t step = 0;                  ///< from 1
  std::int64_t epoch = 0;                 ///< from 1
  double loss = 0;                        ///< mean over the global batch
  double learning_rate = 0;               ///< written as `lr`
  std::string samples;                    ///< digest of the ids of the samples of this step, over all ranks
  double gradient_norm = 0;               ///< over all parameters, before clipping
  std::map<std::string, double> seconds;  ///< where the time of the step went, by part
};

struct EvaluateEvent {
  static constexpr const char* kName = "evaluate";
  std::int64_t step = 0;
  std::string split;
  std::map<std::string, double> metrics;
};

/// A snapshot is on the disk.
struct CheckpointEvent {
  static constexpr const char* kName = "checkpoint";
  std::int64_t step = 0;
  std::string path;          ///< relative to the run folder
  std::uint64_t bytes = 0;   ///< of tensors that were written; 0 where only the state was
  double stall_seconds = 0;  ///< in which training stood still for it
  double write_seconds = 0;  ///< beside training
};

/// The run ended in order: "finished", or "stopped …" or "failed …" with the reason.
struct EndEvent {
  static constexpr const char* kName = "end";
  std::string reason;
  std::map<std::string, double> seconds{};  ///< where the time of the loop went since the start, on the first rank
  double wall_seconds = 0;                  ///< how long that was
};

void to_json(nlohmann::json& fields, const StartEvent& event);
void to_json(nlohmann::json& fields, const StepEvent& event);
void to_json(nlohmann::json& fields, const EvaluateEvent& event);
void to_json(nlohmann::json& fields, const CheckpointEvent& event);
void to_json(nlohmann::json& fields, const EndEvent& event);

/// Both throw nlohmann::json::exception where a field is missing or of another type.
void from_json(const nlohmann::json& fields, StepEvent& event);
void from_json(const nlohmann::json& fields, EvaluateEvent& event);

}  // namespace lockstep::observe
