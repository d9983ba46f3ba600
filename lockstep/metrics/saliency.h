#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lockstep::metrics {

/// Everything that one image contributes to the saliency metrics, as a flat list of numbers of one length for all
/// images, so that ranks can gather it.
///
/// `prediction` holds grey levels 0 … 255 as they are saved, so that an evaluation in training and one of saved files
/// agree; `mask` is object above 128. Both are row-major with width * height bytes.
std::vector<double> saliency_record(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> mask,
                                    int width, int height);

/// The length of each record.
std::int64_t saliency_record_length();

/// The metrics of a set of images: means over the records, added in the order given; empty for no records. All but
/// `iou` and `dice` see predictions stretched to 0 … 1 image by image, as is usual in the field. The names:
///
/// s_measure, weighted_f          see structure_measure() and weighted_f_measure(); higher is better, as in all but mae
/// adaptive_f, adaptive_e         F- and E-measure at each image's adaptive_threshold()
/// mean_f, mean_e, max_f, max_e   mean and maximum over the 256 thresholds of the set's mean F- and E-measure curve
/// mae                            mean absolute error
/// iou, dice                      at the fixed threshold 0.5 of the prediction as it is, the numbers to train for; 1
///                                where both mask and prediction are empty
/// mean_iou, mean_dice            mean over the 256 thresholds; 0 at thresholds where both are empty
std::map<std::string, double> summarise_saliency(std::span<const std::vector<double>> records);

}  // namespace lockstep::metrics
