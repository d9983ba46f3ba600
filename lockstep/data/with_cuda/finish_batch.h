#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "lockstep/data/finish_batch.h"

/// What data::finish_batch does, with its arithmetic (colour_arithmetic.h), for memory of the GPU and in stream order:
/// images, (batch, height, width, 3) uint8, with `samples`, (batch), to planes, (batch, 3, height, width) float32.
/// `grey_sums`, (batch) uint64, is memory for what is in between. Returns the first error of the launches. It has a C
/// name, so that it can be looked up in a library that is loaded only where there is a GPU.
extern "C" cudaError_t lockstep_finish_batch(const std::uint8_t* images, const lockstep::data::SampleFinish* samples,
                                             lockstep::data::BatchShape shape, unsigned long long* grey_sums,
                                             float* planes, cudaStream_t stream);
