#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// A small command's worth of options, of every type.
struct SampleOptions {
  std::filesystem::path dataset;
  int batch_size = 8;
  std::int64_t samples = 1000;
  std::uint64_t seed = 1;
  double lr = 1e-3;
  double decay = 0.05;
  std::string optimizer = "adamw";
  std::string devices = "cpu";
  bool ema = true;
  double ema_decay = 0.99;
  bool deterministic = false;
  bool fresh = false;
  std::optional<int> max_steps;
  std::optional<int> threads;
  std::optional<std::filesystem::path> pretrained;
  std::optional<double> clip;

  OptionTable table() {
    OptionTable table;
    table.add("--dataset-path", dataset, "The folder with the photographs.", {.group = "Data", .placeholder = "DIR"});
    table.add("--batch-size", batch_size, "Samples per rank per forward pass.",
              {.group = "Data", .minimum = inclusive(1)});
    table.add("--samples", samples, "Samples of an epoch.", {.group = "Data"});
    table.add("--seed", seed, "Where all random numbers come from.", {.group = "Training"});
    table.add("--lr", lr, "The highest learning rate.",
              {.group = "Training", .minimum = exclusive(0), .maximum = inclusive(1)});
    table.add("--weight-decay", decay, "How fast weights fade.", {.group = "Training"});
    table.add("--optimizer", optimizer, "How weights are moved.",
              {.group = "Training", .placeholder = "NAME", .allowed = {"adamw", "sgd"}});
    table.add("--ema", ema, "Keep a running mean of the weights.", {.group = "Training"});
    table.add("--ema-decay", ema_decay, "How much of the mean stays.", {.group = "Training", .needs = "--ema"});
    table.add("--max-steps", max_steps, "Stop after so many steps.", {.group = "Training"});
    table.add("--pretrained", pretrained, "Weights to begin with.", {.group = "Training", .placeholder = "FILE"});
    table.add("--clip", clip, "The longest gradient.", {.group = "Training"});
    table.add("--devices", devices, "Where it runs.",
              {.group = "Machine", .affects_result = false, .on_resume = "goes on there", .aliases = {"--device"}});
    table.add("--threads", threads, "How many compute.", {.group = "Machine", .kept_by_run = true});
    table.add("--deterministic", deterministic, "The same bits in every run.", {.group = "Machine"});
    table.add("--fresh", fresh, "Begin anew.", {.group = "Machine", .in_recipe = false, .hidden = true});
    table.add_always_on("--use-ddp", "Train on several ranks.", {.group = "Machine"});
    return table;
  }
};

/// What a statement's UserError says.
template <typename Error, typename Statement>
std::string message_of(const Statement& statement) {
  try {
    statement();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing of that kind was thrown";
  return "";
}

}  // namespace lockstep::cli
