#include "tests/support/photographs.h"

#include <cstdio>
#include <string>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/media/encode.h"

namespace lockstep::test {
namespace {

bool is_on_disc(int number, media::ImageSize size, int x, int y) {
  const int centre_x = size.width * (3 + number % 5) / 10;
  const int centre_y = size.height * (3 + number % 3) / 8;
  const int radius = size.height / 4;
  return (x - centre_x) * (x - centre_x) + (y - centre_y) * (y - centre_y) < radius * radius;
}

void write_split(const std::filesystem::path& folder, int first, int count) {
  make_directories(folder / "images");
  make_directories(folder / "masks");
  for (int number = first; number < first + count; ++number) {
    char name[16];
    std::snprintf(name, sizeof name, "photo-%02d", number);
    const media::ImageSize size{48 + 5 * (number % 4), 40 + 7 * (number % 3)};
    const media::Image photograph = make_photograph(number, size);
    if (number % 2 == 0) {
      write_file_atomically(folder / "images" / (std::string(name) + ".jpg"), media::encode_jpeg(photograph, 90));
    } else {
      write_file_atomically(folder / "images" / (std::string(name) + ".png"), media::encode_png(photograph));
    }
    write_file_atomically(folder / "masks" / (std::string(name) + ".png"), media::encode_png(make_mask(number, size)));
  }
}

}  // namespace

media::Image make_photograph(int number, media::ImageSize size) {
  RandomStream random({static_cast<std::uint64_t>(number), Purpose::kAugment, 0, 0, 0});
  media::Image image(size.width, size.height, 3);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const int brightness = is_on_disc(number, size, x, y) ? 140 : 50;
      for (int channel = 0; channel < 3; ++channel) {
        image.at(x, y)[channel] = static_cast<std::uint8_t>(brightness + static_cast<int>(random.below(60)));
      }
    }
  }
  return image;
}

media::Image make_mask(int number, media::ImageSize size) {
  media::Image mask(size.width, size.height, 1);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      *mask.at(x, y) = is_on_disc(number, size, x, y) ? 255 : 0;
    }
  }
  return mask;
}

void write_dataset(const std::filesystem::path& folder, int training, int test) {
  write_split(folder / "train", 0, training);
  write_split(folder / "test", training, test);
}

}  // namespace lockstep::test
