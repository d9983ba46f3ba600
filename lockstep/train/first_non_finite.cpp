#include "lockstep/train/first_non_finite.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "lockstep/base/text.h"
#include "lockstep/data/batch.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/replica.h"

namespace lockstep::train {
namespace {

/// Passes move them, such as the running statistics of a batch norm.
class KeptBuffers {
 public:
  explicit KeptBuffers(const torch::nn::Module& network) : buffers_(network.buffers()) {
    for (const at::Tensor& buffer : buffers_) {
      values_.push_back(buffer.detach().clone());
    }
  }

  ~KeptBuffers() {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      buffers_[i].copy_(values_[i]);
    }
  }

  KeptBuffers(const KeptBuffers&) = delete;
  KeptBuffers& operator=(const KeptBuffers&) = delete;

 private:
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> values_;
};

bool is_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

/// A rank at its passes of a step.
class SecondLook {
 public:
  SecondLook(Replica& replica, const Plan& plan, c10::Device device, const StepPasses& passes)
      : replica_(replica), plan_(plan), device_(device), passes_(passes), kept_(replica.model().network()) {
    replica_.model().network().train();
  }

  std::optional<NonFinite> run() {
    for (const std::vector<data::Draw>& draws : passes_.draws) {
      if (auto found = look_at(draws)) {
        if (found->in_backward && draws.size() > 1) {
          found->samples = guilty(draws, found->samples);
        }
        return found;
      }
    }
    return std::nullopt;
  }

 private:
  /// One pass over these samples.
  std::optional<NonFinite> look_at(const std::vector<data::Draw>& draws) {
    data::Batch batch = data::load_batch(plan_.task.training_set(), draws, plan_.bad_samples);
    if (batch.size() == 0) {
      return std::nullopt;
    }
    ResultWatch watch(replica_.model().network());
    const at::Tensor losses = forward_pass(replica_, plan_, device_, batch, passes_.setting, timer_);
    const at::Tensor finite = at::isfinite(losses.detach()).cpu();  // (batch) bool
    NonFinite found{replica_.rank(), false, watch.take_first().value_or(Place{"the losses", "", false, ""}), {}};
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!finite.const_data_ptr<bool>()[i]) {
        found.samples.push_back(name_of(batch.draws[i]));
      }
    }
    if (!found.samples.empty()) {
      return found;
    }
    const std::optional<std::string> broken = broken_gradient(losses);
    if (!broken) {
      return std::nullopt;
    }
    found.in_backward = true;
    found.place = watch.take_first().value_or(Place{"the gradient of " + *broken, "", false, ""});
    std::ranges::transform(batch.draws, std::back_inserter(found.samples),
                           [&](const data::Draw& draw) { return name_of(draw); });
    return found;
  }

  /// The name of a parameter whose gradient is not finite: of the one that backward comes to first, which mostly was
  /// built last. The gradients are not those of the replica, which stay as they are.
  std::optional<std::string> broken_gradient(const at::Tensor& losses) {
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    for (const auto& item : replica_.model().network().named_parameters()) {
      if (item.value().requires_grad()) {
        names.push_back(item.key());
        parameters.push_back(item.value());
      }
    }
    const auto gradients = torch::autograd::grad({losses.sum() * passes_.factor}, parameters, /*grad_outputs=*/{},
                                                 /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t i = gradients.size(); i-- > 0;) {
      if (gradients[i].defined() && !is_finite(gradients[i])) {
        return names[i];
      }
    }
    return std::nullopt;
  }

  /// The names of the samples that bring it about each alone; all where none does.
  std::vector<std::string> guilty(const std::vector<data::Draw>& draws, const std::vector<std::string>& all) {
    std::vector<std::string> names;
    try {
      for (const data::Draw& draw : draws) {
        if (look_at({draw})) {
          names.push_back(name_of(draw));
        }
      }
    } catch (const c10::Error&) {
      return all;  // a batch norm wants more than one value
    }
    return names.empty() ? all : names;
  }

  std::string name_of(const data::Draw& draw) const { return plan_.task.training_set().name(draw.index); }

  Replica& replica_;
  const Plan& plan_;
  c10::Device device_;
  const StepPasses& passes_;
  KeptBuffers kept_;
  observe::StepTimer timer_;
};

std::string describe_place(const Place& place) {
  if (place.module.empty()) {
    return place.operation;
  }
  const std::string broken =
      place.broken_parameter.empty() ? "" : text(", whose ", place.broken_parameter, " is itself not finite");
  return text(place.takes_parameter ? "in " : "after ", place.module, broken, " (", place.operation, ")");
}

}  // namespace

std::string describe(const NonFinite& found) {
  std::string samples;
  for (const std::string& name : found.samples) {
    samples += (samples.empty() ? "" : ", ") + name;
  }
  return text("rank ", found.rank, ": ", found.in_backward ? "backward" : "forward", " pass, ",
              describe_place(found.place), "; samples: ", samples);
}

nlohmann::json to_json(const NonFinite& found) {
  return {{"rank", found.rank},
          {"pass", found.in_backward ? "backward" : "forward"},
          {"operation", found.place.operation},
          {"module", found.place.module},
          {"takes_parameter", found.place.takes_parameter},
          {"broken_parameter", found.place.broken_parameter},
          {"samples", found.samples}};
}

NonFinite non_finite_from_json(const nlohmann::json& json) {
  return {json.at("rank"), json.at("pass") == "backward",
          Place{json.at("operation"), json.at("module"), json.at("takes_parameter"), json.at("broken_parameter")},
          json.at("samples")};
}

std::optional<NonFinite> find_first_non_finite(Replica& replica, const Plan& plan, c10::Device device,
                                               const StepPasses& passes) {
  return SecondLook(replica, plan, device, passes).run();
}

}  // namespace lockstep::train
