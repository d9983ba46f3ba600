#include "lockstep/checkpoint/weights.h"

#include <map>
#include <string_view>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

std::string without_wrapper(std::string name) {
  constexpr std::string_view kWrapper = "module.";
  while (name.starts_with(kWrapper)) {
    name.erase(0, kWrapper.size());
  }
  return name;
}

/// "3 missing (such as 'a')", or nothing.
std::string summary(const std::vector<std::string>& names, const char* what) {
  return names.empty() ? "" : text("; ", names.size(), " ", what, " (such as '", names.front(), "')");
}

void check(const LoadReport& report, const LoadOptions& options) {
  const bool complete = report.missing.empty() && report.unused.empty() && report.shape_mismatch.empty();
  if (report.matched.empty() || (options.everything && !complete)) {
    throw DataError(text("'", options.source, "' does not fit the network: ", report.matched.size(), " weights match",
                         summary(report.missing, "are missing"), summary(report.unused, "are unknown"),
                         summary(report.shape_mismatch, "have another shape")),
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
      report.shape_mismatch.push_back(stored_name);
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
