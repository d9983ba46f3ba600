#pragma once

#include <c10/core/Device.h>
#include <c10/core/Stream.h>

// Streams of a GPU by LibTorch's interface for any device, so that no header or library of CUDA is needed.
namespace lockstep::parallel {

/// The stream in which the calling thread works on that GPU.
c10::Stream current_stream(c10::Device gpu);

enum class StreamPriority { kNormal, kHigh };

/// One of LibTorch's pool, which it hands out in turn.
c10::Stream pooled_stream(c10::Device gpu, StreamPriority priority);

}  // namespace lockstep::parallel
