#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/batch.h"
#include "lockstep/media/draw_boxes.h"
#include "lockstep/tasks/fewshot/evaluation.h"

namespace lockstep::tasks::fewshot {

/// What is less sure is not drawn.
inline constexpr double kDrawnScore = 0.3;

/// "rook 0.87"
std::string caption_of(const std::string& name, double score);

/// The frame of something found, in the colour of its class.
media::CaptionedBox frame_of(const metrics::Detection& found, const std::string& name);

/// A contact sheet as PNG: a row for each class of an episode of a batch (data::EpisodeDataset, without augmentation),
/// with its examples, and one of the pictures in which it is sought, with the true boxes and with those that were
/// found.
std::vector<std::byte> illustrate_episode(const data::Batch& batch, std::size_t episode, const EpisodeResult& result,
                                          const std::vector<std::string>& names);

}  // namespace lockstep::tasks::fewshot
