#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <memory>

#include "lockstep/tasks/task.h"

namespace lockstep::train {

/// Gives a model the weights of a file that a run has left, and moves it to a device. Throws DataError where the file
/// is not there, is broken, or has the weights of another network.
void load_trained_weights(tasks::Model& model, const std::filesystem::path& weights, c10::Device device);

/// A model of the task with such weights.
std::unique_ptr<tasks::Model> load_trained(const tasks::Task& task, const std::filesystem::path& weights,
                                           c10::Device device);

}  // namespace lockstep::train
