#include "tests/support/shapes.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "lockstep/media/encode.h"

namespace lockstep::test {
namespace {

constexpr int kWidth = 120;
constexpr int kHeight = 96;
constexpr int kColumns = 3;  ///< one rectangle stands in each
constexpr media::Colour kColours[] = {{40, 60, 220},   {30, 200, 210}, {40, 180, 50},
                                      {230, 120, 200}, {220, 40, 30},  {230, 220, 40}};

std::string name_of(std::size_t number) { return text("shapes-", number / 10, number % 10, ".png"); }

void fill(media::Image& image, const data::ObjectBox& box, media::Colour colour) {
  for (int y = static_cast<int>(box.y0); y < static_cast<int>(box.y1); ++y) {
    for (int x = static_cast<int>(box.x0); x < static_cast<int>(box.x1); ++x) {
      std::uint8_t* pixel = image.at(x, y);
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

nlohmann::json coco_of(std::size_t first, std::size_t count) {
  nlohmann::json json = {{"images", nlohmann::json::array()},
                         {"categories", nlohmann::json::array()},
                         {"annotations", nlohmann::json::array()}};
  for (std::size_t i = 0; i < shape_classes().size(); ++i) {
    json["categories"].push_back({{"id", i + 1}, {"name", shape_classes()[i]}});
  }
  for (std::size_t number = first; number < first + count; ++number) {
    json["images"].push_back({{"id", number}, {"file_name", name_of(number)}, {"width", kWidth}, {"height", kHeight}});
    for (const data::ObjectBox& box : make_shapes(number).boxes) {
      json["annotations"].push_back({{"id", json["annotations"].size() + 1},
                                     {"image_id", number},
                                     {"category_id", box.class_index + 1},
                                     {"iscrowd", 0},
                                     {"bbox", {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0}}});
    }
  }
  return json;
}

std::string voc_of(std::size_t number) {
  std::ostringstream xml;
  xml << "<annotation><filename>" << name_of(number) << "</filename><size><width>" << kWidth << "</width><height>"
      << kHeight << "</height><depth>3</depth></size>";
  for (const data::ObjectBox& box : make_shapes(number).boxes) {
    xml << "<object><name>" << shape_classes()[box.class_index] << "</name><difficult>0</difficult><bndbox><xmin>"
        << box.x0 << "</xmin><ymin>" << box.y0 << "</ymin><xmax>" << box.x1 << "</xmax><ymax>" << box.y1
        << "</ymax></bndbox></object>";
  }
  xml << "</annotation>\n";
  return xml.str();
}

void write_pictures(const std::filesystem::path& folder, std::size_t first, std::size_t count) {
  make_directories(folder);
  for (std::size_t number = first; number < first + count; ++number) {
    write_file_atomically(folder / name_of(number), media::encode_png(make_shapes(number).picture));
  }
}

}  // namespace

const std::vector<std::string>& shape_classes() {
  static const std::vector<std::string> names{"blue", "cyan", "green", "pink", "red", "yellow"};
  return names;
}

Shapes make_shapes(std::size_t number) {
  RandomStream random({.seed = 77, .purpose = Purpose::kSelection, .time = 0, .sample = number, .layer = 0});
  Shapes shapes{media::Image(kWidth, kHeight, 3), {}};
  const auto level = static_cast<std::uint8_t>(90 + random.below(60));
  std::fill(shapes.picture.pixels.begin(), shapes.picture.pixels.end(), level);
  constexpr std::size_t kSteps[] = {0, 1, 3};
  for (int column = 0; column < kColumns; ++column) {
    data::ObjectBox box;
    box.class_index = (number + kSteps[column]) % shape_classes().size();
    box.x0 = column * (kWidth / kColumns) + static_cast<double>(random.below(8));
    box.y0 = 5 + static_cast<double>(random.below(30));
    box.x1 = box.x0 + 20 + static_cast<double>(random.below(12));
    box.y1 = box.y0 + 20 + static_cast<double>(random.below(30));
    fill(shapes.picture, box, kColours[box.class_index]);
    shapes.boxes.push_back(box);
  }
  return shapes;
}

void write_shapes(const std::filesystem::path& folder, std::size_t training, std::size_t validation) {
  const auto write = [&](const std::string& split, std::size_t first, std::size_t count) {
    write_pictures(folder / split, first, count);
    write_file_atomically(folder / split / "_annotations.coco.json", coco_of(first, count).dump());
  };
  write("train", 0, training);
  write("valid", training, validation);
}

void write_shapes_as_voc(const std::filesystem::path& folder, std::size_t training, std::size_t test) {
  const auto write = [&](const std::string& split, std::size_t first, std::size_t count) {
    write_pictures(folder / split, first, count);
    for (std::size_t number = first; number < first + count; ++number) {
      write_file_atomically(folder / split / std::filesystem::path(name_of(number)).replace_extension(".xml"),
                            voc_of(number));
    }
  };
  write("train", 0, training);
  write("test", training, test);
}

}  // namespace lockstep::test
