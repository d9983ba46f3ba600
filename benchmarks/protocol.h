#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lockstep/parallel/launch.h"

/// How a side of a comparison talks with compare.py: it prints READY, and then, for each line "go" on its input, runs
/// one round and prints the figures of it as one line of JSON.
namespace lockstep::benchmarks {

using Figures = std::map<std::string, double>;
using Round = std::function<Figures()>;

void serve(const Round& run_round);

/// Starts ranks as threads, each with one thread on the core of its number. `prepare` gives a rank's function for a
/// round; what that of the first rank gives is printed.
void serve_ranks(int ranks, const std::function<Round(parallel::Rank&)>& prepare);

/// Keeps the calling thread, and those that it will start, on one core.
void stay_on_core(int core);

double milliseconds(const std::function<void()>& work);
double median(std::vector<double> values);

/// The median time of as many calls, in milliseconds.
double median_milliseconds(int count, const std::function<void()>& work);

}  // namespace lockstep::benchmarks
