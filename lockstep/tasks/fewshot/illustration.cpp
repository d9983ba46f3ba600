#include "lockstep/tasks/fewshot/illustration.h"

#include <algorithm>
#include <cstdio>

#include "lockstep/base/text.h"
#include "lockstep/data/episode_dataset.h"
#include "lockstep/media/draw.h"
#include "lockstep/media/encode.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr int kCellSize = 224;
constexpr std::size_t kMostSupports = 5;  ///< that a row shows

/// Picture `number` of those that an episode has in a field of (count, height, width, 3) bytes.
media::Image picture_in(const data::Batch& batch, data::EpisodeField field, std::size_t episode, std::size_t number) {
  const std::vector<std::int64_t>& shape = batch.layout[field].shape;
  media::Image image(static_cast<int>(shape[2]), static_cast<int>(shape[1]), 3);
  const std::size_t place = episode * static_cast<std::size_t>(shape[0]) + number;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(batch.fields[field].data());
  std::copy_n(bytes + place * image.pixels.size(), image.pixels.size(), image.pixels.data());
  return image;
}

media::Box box_between(double x0, double y0, double x1, double y1) { return {x0, y0, x1 - x0, y1 - y0}; }

media::Image drawn_support(const data::Batch& batch, std::size_t episode, std::size_t number, std::size_t way) {
  const auto count = static_cast<std::size_t>(batch.layout[data::kSupportBoxField].shape[0]);
  const float* edge =
      reinterpret_cast<const float*>(batch.fields[data::kSupportBoxField].data()) + 4 * (episode * count + number);
  const media::CaptionedBox frame{box_between(edge[0], edge[1], edge[2], edge[3]), "", media::colour_of(way)};
  return media::draw_boxes(picture_in(batch, data::kSupportField, episode, number), {&frame, 1});
}

}  // namespace

std::string caption_of(const std::string& name, double score) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%.2f", score);
  return text(name, " ", digits);
}

media::CaptionedBox frame_of(const metrics::Detection& found, const std::string& name) {
  return {box_between(found.x0, found.y0, found.x1, found.y1), caption_of(name, found.score),
          media::colour_of(static_cast<std::size_t>(found.category))};
}

std::vector<std::byte> illustrate_episode(const data::Batch& batch, std::size_t episode, const EpisodeResult& result,
                                          const std::vector<std::string>& names) {
  const std::size_t ways = result.classes.size();
  const auto shots = static_cast<std::size_t>(batch.layout[data::kSupportField].shape[0]) / ways;
  const auto queries = static_cast<std::size_t>(batch.layout[data::kQueryField].shape[0]);
  const auto name_of = [&](std::int64_t way) { return names.at(result.classes[static_cast<std::size_t>(way)]); };

  std::vector<std::string> titles;
  for (std::size_t i = 0; i < std::min(shots, kMostSupports); ++i) {
    titles.push_back(text("example ", i + 1));
  }
  titles.insert(titles.end(), {"truth", "found"});
  std::vector<media::SheetRow> rows;
  for (std::size_t way = 0; way < ways; ++way) {
    media::SheetRow row{name_of(static_cast<std::int64_t>(way)), {}};
    for (std::size_t i = 0; i + 2 < titles.size(); ++i) {
      row.cells.push_back(drawn_support(batch, episode, way * shots + i, way));
    }
    const auto query = static_cast<std::int64_t>(way * queries / ways);
    std::vector<media::CaptionedBox> truth;
    for (const metrics::TrueBox& box : result.truth) {
      if (box.image == query && !box.is_crowd && !box.is_ignored) {
        truth.push_back({box_between(box.x0, box.y0, box.x1, box.y1), name_of(box.category),
                         media::colour_of(static_cast<std::size_t>(box.category))});
      }
    }
    std::vector<media::CaptionedBox> found;
    for (const metrics::Detection& box : result.found) {
      if (box.image == query && box.score >= kDrawnScore) {
        found.push_back(frame_of(box, name_of(box.category)));
      }
    }
    const media::Image photo = picture_in(batch, data::kQueryField, episode, static_cast<std::size_t>(query));
    row.cells.push_back(media::draw_boxes(photo, truth));
    row.cells.push_back(media::draw_boxes(photo, found));
    rows.push_back(std::move(row));
  }
  return media::encode_png(media::contact_sheet(rows, titles, kCellSize));
}

}  // namespace lockstep::tasks::fewshot
