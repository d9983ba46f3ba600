#pragma once

#include <string>
#include <vector>

#include "lockstep/data/box_set.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/episode_dataset.h"

namespace lockstep::tasks::fewshot {

/// Pictures to be searched, as the queries of an episode are seen. Fields: "query" (S, S, 3) uint8 and "query_place"
/// (5) float32, a data::QueryPlace.
class PictureSet : public data::Dataset {
 public:
  enum PictureField : std::size_t { kPicture, kPlace };

  /// `pictures` with their sizes; S is `side`.
  PictureSet(std::vector<data::BoxedImage> pictures, int side);

  std::size_t size() const override { return pictures_.size(); }
  const std::vector<data::Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return pictures_.at(index).file.string(); }
  void load(const data::Draw& draw, const data::SampleSlot& slot) const override;

  const std::vector<data::BoxedImage>& pictures() const { return pictures_; }
  int side() const { return side_; }

 private:
  std::vector<data::BoxedImage> pictures_;
  int side_;
  std::vector<data::Field> layout_;
};

}  // namespace lockstep::tasks::fewshot
