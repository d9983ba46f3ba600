#pragma once

#include "lockstep/metrics/saliency_pair.h"

namespace lockstep::metrics {

/// Weighted F-measure with beta = 1, in 0 … 1: an error weighs less where its neighbours are right, and false alarms
/// weigh more the further they are from the object. 0 for a mask without object.
/// Margolin, Zelnik-Manor and Tal, "How to evaluate foreground maps?", CVPR 2014.
double weighted_f_measure(const SaliencyPair& pair);

}  // namespace lockstep::metrics
