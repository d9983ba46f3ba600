#include "lockstep/media/huffman.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"

namespace lockstep::media::huffman_test {
namespace {

TEST(HuffmanAlone, GoesThroughAWholeJpeg) {
  EXPECT_NO_THROW(decode_huffman_alone(encode_jpeg(test::make_photograph(1, {64, 48}), 90), "photo.jpg"));
}

TEST(HuffmanAlone, RefusesWhatIsNoJpeg) {
  try {
    decode_huffman_alone(encode_png(test::make_photograph(1, {64, 48})), "photo.png");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("photo.png cannot be decoded as JPEG"));
  }
}

}  // namespace
}  // namespace lockstep::media::huffman_test
