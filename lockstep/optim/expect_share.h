#pragma once

namespace lockstep::optim {

/// Throws UsageError, which names the option and a value that would do, unless `value` is from 0 to below 1.
void expect_share(const char* name, double value, const char* example);

}  // namespace lockstep::optim
