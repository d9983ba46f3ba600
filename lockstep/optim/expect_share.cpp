#include "lockstep/optim/expect_share.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {

void expect_share(const char* flag, double value, const char* example) {
  if (!(value >= 0 && value < 1)) {
    throw UsageError(text(flag, ' ', value, " is not from 0 to below 1"), text("give ", flag, ' ', example));
  }
}

}  // namespace lockstep::optim
