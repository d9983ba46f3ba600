#pragma once

#include <string>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::cli {

/// `lockstep bench data`: how fast a dataset's images come, and where the time goes. With --serve it is one side of a
/// comparison of loaders (data/batch_server.h).
ExitCode bench_data(const std::string& command, const std::vector<std::string>& arguments);

/// Its flags, as Markdown.
std::string bench_data_flags();

}  // namespace lockstep::cli
