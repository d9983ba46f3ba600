#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "lockstep/tasks/task.h"

namespace lockstep::test {

struct TinyTaskOptions {
  std::size_t training_samples = 22;
  std::size_t evaluation_samples = 7;
  double dropout = 0.25;

  /// What is added to the loss of a training sample. It may be NaN, or throw: this is how a test plants a fault.
  std::function<double(const data::Draw&)> disturbance = [](const data::Draw&) { return 0.0; };

  /// The most samples of a batch that there is memory for.
  std::size_t most_samples = std::numeric_limits<std::size_t>::max();

  /// Called when a training sample is loaded: it may throw. What it gives plays no part.
  std::function<double(const data::Draw&)> load_fault = [](const data::Draw&) { return 0.0; };

  /// The same for samples of the evaluation set.
  std::function<double(const data::Draw&)> evaluation_load_fault = [](const data::Draw&) { return 0.0; };

  /// For which samples the gradient of the loss is infinite, though the loss is not.
  std::function<bool(const data::Draw&)> gradient_fault = [](const data::Draw&) { return false; };

  /// Whether the network of the patches has a batch norm in place of its group norm.
  bool batch_norm = false;

  /// Whether the first layer counts as a backbone.
  bool has_backbone = true;

  /// What an evaluation says its metric is, given what it is. Called by all ranks. It may be NaN, or throw.
  std::function<double(double)> claimed_metric = [](double metric) { return metric; };
};

/// Patches of 6x8x8 voxels, drawn at random places of two synthetic volumes, each with a bright ball to be segmented by
/// a network of 3D convolutions. One of its parameters, "spare", is never used. Its metric is "dice".
std::unique_ptr<tasks::Task> make_patch_task(TinyTaskOptions options = {});

/// Episodes of three classes with two labelled examples each, by which four queries are to be told apart, as
/// prototypical networks do (Snell et al., NeurIPS 2017), and a box to be found among a number of boxes that differs
/// from episode to episode. Its metric is "accuracy".
std::unique_ptr<tasks::Task> make_episode_task(TinyTaskOptions options = {});

/// The one of these by its name: "patches" or "episodes".
std::unique_ptr<tasks::Task> make_tiny_task(const std::string& name, TinyTaskOptions options = {});

}  // namespace lockstep::test
