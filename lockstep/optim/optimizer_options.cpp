#include "lockstep/optim/optimizer_options.h"

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/expect_share.h"

namespace lockstep::optim {
namespace {

/// NaN is in no range.
void expect_not_negative(const char* flag, double value) {
  if (!(value >= 0 && std::isfinite(value))) {
    throw UsageError(text(flag, ' ', value, " is not a number of at least 0"), text("give ", flag, " at least 0"));
  }
}

}  // namespace

void OptimizerOptions::validate() const {
  for (const double decay : weight_decay) {
    expect_not_negative("--weight-decay", decay);
  }
  if (kind != OptimizerKind::kSgd) {
    expect_share("--beta1", beta1, "0.9");
    expect_share("--beta2", beta2, "0.9");
    expect_not_negative("--epsilon", epsilon);
    return;
  }
  expect_share("--momentum", momentum, "0.9");
  if (nesterov && momentum == 0) {
    throw UsageError("--nesterov changes nothing with --momentum 0", "leave out --nesterov, or give --momentum 0.9");
  }
}

}  // namespace lockstep::optim
