#include "lockstep/data/box_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/media/orientation.h"

namespace lockstep::data::box_frame_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BoxedImage image_of(media::ImageSize size) {
  return {.file = "a.jpg", .size = size, .id = 1, .boxes = {{.x0 = 10, .y0 = 4, .x1 = 20, .y1 = 10}}};
}

std::vector<double> edges_of(const BoxedImage& image) {
  const ObjectBox& box = image.boxes.at(0);
  return {box.x0, box.y0, box.x1, box.y1};
}

media::ImageHeader header_of(media::ImageSize stored, int orientation) {
  return {media::Format::kJpeg, stored, orientation};
}

TEST(BoxFrame, BoxesOfTheUprightPictureStay) {
  EXPECT_THAT(edges_of(placed_on(header_of({64, 48}, 1), image_of({64, 48}))), ElementsAre(10, 4, 20, 10));
  EXPECT_THAT(edges_of(placed_on(header_of({64, 48}, 6), image_of({48, 64}))), ElementsAre(10, 4, 20, 10));
}

TEST(BoxFrame, BoxesOfTheStoredPictureAreTurnedWithIt) {
  for (int orientation = 5; orientation <= 8; ++orientation) {
    SCOPED_TRACE(orientation);
    const BoxedImage placed = placed_on(header_of({64, 48}, orientation), image_of({64, 48}));
    EXPECT_EQ(placed.size, (media::ImageSize{48, 64}));
    // What the upright box is cut out of must be the stored box.
    const ObjectBox& box = placed.boxes.at(0);
    const media::Box back = media::stored_part(media::Box{box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0},
                                               media::ImageSize{64, 48}, orientation);
    EXPECT_THAT((std::vector<double>{back.x, back.y, back.width, back.height}), ElementsAre(10, 4, 10, 6));
  }
}

TEST(BoxFrame, BoxesOfAScaledPictureAreScaled) {
  const BoxedImage placed = placed_on(header_of({128, 96}, 1), image_of({64, 48}));
  EXPECT_EQ(placed.size, (media::ImageSize{128, 96}));
  EXPECT_THAT(edges_of(placed), ElementsAre(20, 8, 40, 20));
  EXPECT_THAT(edges_of(placed_on(header_of({128, 96}, 6), image_of({64, 48}))), ElementsAre(76, 20, 88, 40));
}

TEST(BoxFrame, AnotherShapeIsRefused) {
  try {
    placed_on(header_of({128, 90}, 1), image_of({64, 48}));
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a.jpg is 128x90 pixels, but its annotation is of 64x48; annotate this image"));
  }
}

}  // namespace
}  // namespace lockstep::data::box_frame_test
