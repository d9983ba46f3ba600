#pragma once

#include <functional>
#include <string>

/// The one thing that is global: words for the person who watches. They go line by line to a sink, stderr by default.
namespace lockstep::log {

enum class Level { kInfo, kWarning };

using Sink = std::function<void(Level, const std::string& line)>;

/// Replaces the sink and gives back the one before; thread-safe.
Sink set_sink(Sink sink);

void info(const std::string& line);
void warn(const std::string& line);

}  // namespace lockstep::log
