#include "lockstep/checkpoint/weights.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/printable.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr std::size_t kMostNames = 3;  // of each kind, in a message

std::string without_wrapper(std::string name) {
  constexpr std::array<std::string_view, 2> kWrappers = {"module.", "_orig_mod."};
  const auto wrapper_of = [&] {
    return std::ranges::find_if(kWrappers, [&](std::string_view wrapper) { return name.starts_with(wrapper); });
  };
  for (const auto* wrapper = wrapper_of(); wrapper != kWrappers.end(); wrapper = wrapper_of()) {
    name.erase(0, wrapper->size());
  }
  return name;
}

std::string to_words(const std::vector<std::int64_t>& shape) {
  std::string words;
  for (const std::int64_t length : shape) {
    words += text(words.empty() ? "" : " × ", length);
  }
  return words.empty() ? "scalar" : words;
}

std::string to_words(const std::string& name) { return text("'", printable(name), "'"); }

std::string to_words(const ShapeMismatch& one) {
  return text(to_words(one.name), ": ", to_words(one.stored), " instead of ", to_words(one.wanted));
}

/// "; 5 are missing ('a', 'b', 'c', …)", or nothing.
template <typename Item>
std::string summary(const std::vector<Item>& items, const char* what) {
  std::string words;
  for (std::size_t i = 0; i < std::min(items.size(), kMostNames); ++i) {
    words += (i == 0 ? "" : ", ") + to_words(items[i]);
  }
  return items.empty() ? ""
                       : text("; ", items.size(), " ", what, " (", words, items.size() > kMostNames ? ", …)" : ")");
}

void check(const LoadReport& report, const LoadOptions& options) {
  const bool complete = report.missing.empty() && report.unused.empty() && report.shape_mismatch.empty();
  if (report.matched.empty() || (options.everything && !complete)) {
    throw DataError(text("'", options.source, "' does not fit the network: ", describe(report)),
                    "name a file that was made with the same network options");
  }
}

}  // namespace

NamedTensors named_weights(const torch::nn::Module& network) {
  NamedTensors weights;
  for (const auto& parameter : network.named_parameters()) {
    weights.emplace_back(parameter.key(), parameter.value());
  }
  for (const auto& buffer : network.named_buffers()) {
    weights.emplace_back(buffer.key(), buffer.value());
  }
  return weights;
}

std::string describe(const LoadReport& report) {
  return text(report.matched.size(), " weights match", summary(report.missing, "of the network are not in the file"),
              summary(report.unused, "of the file are unknown"), summary(report.shape_mismatch, "have another shape"));
}

LoadReport load_weights(torch::nn::Module& network, const NamedTensors& tensors, const LoadOptions& options) {
  std::map<std::string, at::Tensor> wanted;
  for (const auto& [name, weight] : named_weights(network)) {
    wanted.emplace(name, weight);
  }
  LoadReport report;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // from, to
  for (const auto& [stored_name, tensor] : tensors) {
    const std::string name = without_wrapper(stored_name);
    auto found = wanted.find(name);
    if (found == wanted.end()) {
      found = wanted.find(options.prefix + name);
    }
    if (found == wanted.end()) {
      report.unused.push_back(stored_name);
    } else if (found->second.sizes() != tensor.sizes()) {
      report.shape_mismatch.push_back({stored_name, tensor.sizes().vec(), found->second.sizes().vec()});
    } else {
      report.matched.push_back(found->first);
      copies.emplace_back(tensor, found->second);
      wanted.erase(found);
    }
  }
  for (const auto& [name, weight] : wanted) {
    report.missing.push_back(name);
  }
  check(report, options);
  const at::NoGradGuard no_gradient;
  for (auto& [from, to] : copies) {
    to.copy_(from);
  }
  return report;
}

}  // namespace lockstep::checkpoint
