#include "lockstep/data/survey.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/parallel_for.h"
#include "lockstep/base/text.h"
#include "lockstep/data/box_frame.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/orientation.h"

namespace lockstep::data {
namespace {

/// What was seen of one sample.
struct Finding {
  media::ImageSize size{};
  std::optional<double> object_share{};
  std::optional<Trap> trap{};
  std::string place{};
  std::string refused{};  ///< empty: it can be used
};

/// Looks at samples 0 … count - 1, each once, on several threads. Their DataErrors become findings; another exception
/// is thrown.
std::vector<Finding> look_at_all(std::size_t count, int threads, const std::function<Finding(std::size_t)>& look) {
  std::vector<Finding> findings(count);
  parallel_for(count, threads, [&](std::size_t sample) {
    try {
      findings[sample] = look(sample);
    } catch (const DataError& error) {
      findings[sample].refused = error.what();
    }
  });
  return findings;
}

Survey sum_up(const std::vector<Finding>& findings) {
  Survey survey;
  for (const Finding& finding : findings) {
    if (!finding.refused.empty()) {
      survey.refused.push_back(finding.refused);
      continue;
    }
    survey.sizes.push_back(finding.size);
    if (finding.object_share) {
      survey.object_shares.push_back(*finding.object_share);
    }
    if (finding.trap) {
      survey.traps.note(*finding.trap, finding.place);
    }
  }
  return survey;
}

/// Above this a level counts as object, as in the metrics.
constexpr std::byte kObject{128};

/// The mask's own pixels: the dataset has been asked to keep them.
RaggedArray load_mask(const ImageMaskDataset& dataset, std::size_t sample) {
  std::vector<std::vector<std::byte>> fields;
  FieldSpans spans;
  for (const Field& field : dataset.layout()) {
    fields.emplace_back(field.bytes());
  }
  for (std::vector<std::byte>& field : fields) {
    spans.push_back(field);
  }
  std::vector<RaggedArray> ragged;
  dataset.load({.index = sample}, {spans, &ragged});
  return std::move(ragged.front());
}

Finding look_at_mask(const ImageMaskDataset& dataset, std::size_t sample) {
  const ImageMaskPair& pair = dataset.pairs()[sample];
  const RaggedArray mask = load_mask(dataset, sample);
  const media::ImageHeader header = media::read_image_header(read_file(pair.image), pair.image.string());
  Finding finding{.size = media::upright_size(header.size, header.orientation), .place = pair.mask.string()};
  if (pair.mask.empty()) {
    return finding;
  }
  const auto marked =
      std::count_if(mask.bytes.begin(), mask.bytes.end(), [](std::byte level) { return level > kObject; });
  finding.object_share = static_cast<double>(marked) / static_cast<double>(mask.bytes.size());
  const media::ImageSize size{static_cast<int>(mask.shape[1]), static_cast<int>(mask.shape[0])};
  if (marked == 0) {
    finding.trap = Trap::kMaskWithoutObject;
  } else if (size != finding.size && size != header.size) {
    finding.trap = Trap::kMaskOfOtherSize;
  }
  return finding;
}

Finding look_at_boxes(const BoxedImage& image) {
  const std::string name = image.file.string();
  const std::vector<std::byte> bytes = read_file(image.file);
  const media::ImageHeader header = media::read_image_header(bytes, name);
  Finding finding{.size = placed_on(header, image).size, .place = name};
  if (image.size != finding.size && image.size != header.size) {
    finding.trap = Trap::kOtherSize;
  }
  media::Image pixels;  // the smallest size shows whether all of the file can be decoded
  media::decode_part(bytes, {.eighths = header.format == media::Format::kJpeg ? 1 : media::kFullSize}, name, pixels);
  return finding;
}

}  // namespace

Survey survey_masks(const std::vector<ImageMaskPair>& pairs, int threads) {
  constexpr int kSmallest = 8;  // what the pictures are scaled to does not matter here
  const ImageMaskDataset dataset(pairs, {.image_size = kSmallest, .keep_original_mask = true});
  return sum_up(look_at_all(pairs.size(), threads, [&](std::size_t i) { return look_at_mask(dataset, i); }));
}

Survey survey_boxes(const std::vector<BoxedImage>& images, int threads) {
  return sum_up(look_at_all(images.size(), threads, [&](std::size_t i) { return look_at_boxes(images[i]); }));
}

std::string describe_sizes(std::vector<media::ImageSize> sizes) {
  if (sizes.empty()) {
    return "-";
  }
  std::sort(sizes.begin(), sizes.end(), [](media::ImageSize one, media::ImageSize other) {
    return std::pair(std::int64_t{one.width} * one.height, one.width) <
           std::pair(std::int64_t{other.width} * other.height, other.width);
  });
  const auto words = [](media::ImageSize size) { return text(size.width, "x", size.height); };
  if (sizes.front() == sizes.back()) {
    return words(sizes.front());
  }
  return text(words(sizes.front()), " … ", words(sizes.back()), ", median ", words(sizes[sizes.size() / 2]));
}

}  // namespace lockstep::data
