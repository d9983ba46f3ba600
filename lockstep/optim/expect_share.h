#pragma once

namespace lockstep::optim {

/// Throws UsageError, which names the flag and a value that would do, unless `value` is from 0 to below 1.
void expect_share(const char* flag, double value, const char* example);

}  // namespace lockstep::optim
