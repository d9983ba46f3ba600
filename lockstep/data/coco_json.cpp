#include "lockstep/data/coco_json.h"

#include <array>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

using nlohmann::json;
using ParseEvent = json::parse_event_t;

constexpr const char* kRemedy = "give COCO JSON (images, categories, annotations), or mend the file";

/// An entry of `annotations` before it is known to which image it belongs.
struct CocoBox {
  std::int64_t image = 0;
  std::int64_t category = 0;
  NamedBox box;
};

class CocoReader {
 public:
  explicit CocoReader(const std::string& name) : name_(name) {}

  /// What nlohmann's parser calls for whatever it meets; says whether that is to be kept. An entry of a list is taken
  /// when it is complete, and not kept.
  bool see(int depth, ParseEvent event, const json& parsed);

  Annotations finish();

 private:
  static bool is_wanted(const std::string& key);
  DataError wrong(const std::string& what) const { return {text(name_, ": ", what), kRemedy}; }

  std::string place(const json& entry) const;
  std::int64_t integer(const json& entry, const char* key) const;
  std::string word(const json& entry, const char* key) const;
  void take(const json& entry);
  void take_image(const json& entry);
  void take_category(const json& entry);
  void take_annotation(const json& entry);
  void order_classes();

  const std::string& name_;
  std::string section_;
  std::set<std::string> sections_;
  std::size_t entries_ = 0;  ///< of this section so far
  Annotations result_;
  std::unordered_map<std::int64_t, std::size_t> images_;  ///< place by id
  std::map<std::int64_t, std::string> categories_;
  std::set<std::int64_t> ids_;
  std::vector<CocoBox> boxes_;
};

bool CocoReader::is_wanted(const std::string& key) {
  static const std::set<std::string> keys = {"id",   "file_name", "width",       "height", "name",
                                             "bbox", "image_id",  "category_id", "iscrowd"};
  return keys.contains(key);
}

bool CocoReader::see(int depth, ParseEvent event, const json& parsed) {
  constexpr int kSection = 1;  // the lists, and the keys of the whole
  constexpr int kEntry = 2;
  constexpr int kField = 3;
  const bool begins_or_is =
      event == ParseEvent::array_start || event == ParseEvent::object_start || event == ParseEvent::value;
  if (depth == 0 && begins_or_is && event != ParseEvent::object_start) {
    throw wrong("it is no object with names and values");
  }
  if (event == ParseEvent::key && depth == kSection) {
    section_ = parsed.get<std::string>();
    entries_ = 0;
    const bool is_known = section_ == "images" || section_ == "categories" || section_ == "annotations";
    section_ = is_known ? section_ : "";
    if (is_known && !sections_.insert(section_).second) {
      throw wrong(text("'", section_, "' is there twice"));
    }
    return is_known;
  }
  if (section_.empty()) {
    return depth == 0;
  }
  if (depth == kSection && begins_or_is && event != ParseEvent::array_start) {
    throw wrong(text("'", section_, "' is no list"));
  }
  if (depth == kEntry && begins_or_is && event != ParseEvent::object_start) {
    throw wrong(text(section_, "[", entries_, "] is no object with names and values"));
  }
  if (depth == kEntry && event == ParseEvent::object_end) {
    take(parsed);
    ++entries_;
    return false;
  }
  if (event == ParseEvent::key) {
    return depth == kField && is_wanted(parsed.get<std::string>());
  }
  return depth <= kField || event == ParseEvent::value;
}

std::string CocoReader::place(const json& entry) const {
  const auto id = entry.find("id");
  return text(name_, ": ", section_, "[", entries_, "]",
              id != entry.end() && id->is_number_integer() ? text(" (id ", id->dump(), ")") : "");
}

std::int64_t CocoReader::integer(const json& entry, const char* key) const {
  const auto value = entry.find(key);
  constexpr auto kHighest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value == entry.end() || !value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > kHighest)) {
    throw DataError(text(place(entry), value == entry.end() ? " has no '" : " has no whole number as '", key, "'"),
                    kRemedy);
  }
  return value->get<std::int64_t>();
}

std::string CocoReader::word(const json& entry, const char* key) const {
  const auto value = entry.find(key);
  if (value == entry.end() || !value->is_string()) {
    throw DataError(text(place(entry), " has no words as '", key, "'"), kRemedy);
  }
  return checked_name(value->get<std::string>(), text(place(entry), ": '", key, "'"));
}

void CocoReader::take(const json& entry) {
  if (section_ == "images") {
    take_image(entry);
  } else if (section_ == "categories") {
    take_category(entry);
  } else {
    take_annotation(entry);
  }
}

void CocoReader::take_image(const json& entry) {
  ImageAnnotation image{.id = integer(entry, "id"), .image_name = word(entry, "file_name"), .size = {}, .boxes = {}};
  const auto width = entry.find("width");
  const auto height = entry.find("height");
  if (width != entry.end() && height != entry.end() && width->is_number() && height->is_number()) {
    image.size = checked_size(width->get<double>(), height->get<double>(), text(place(entry), ": its size"));
  }
  const auto [other, is_new] = images_.emplace(image.id, result_.images.size());
  if (is_new) {
    result_.images.push_back(std::move(image));
    return;
  }
  if (const std::string& first = result_.images[other->second].image_name; first != image.image_name) {
    throw DataError(text(place(entry), ": '", image.image_name, "' has the id of '", first, "'"),
                    "give each image its own id, and its annotations the same");
  }
  result_.traps.note(Trap::kImageTwice, place(entry));
}

void CocoReader::take_category(const json& entry) {
  const std::int64_t id = integer(entry, "id");
  const std::string name = word(entry, "name");
  const auto [other, is_new] = categories_.emplace(id, name);
  if (!is_new && other->second != name) {
    throw DataError(text(place(entry), ": '", name, "' has the id of '", other->second, "'"),
                    "give each category its own id, and its annotations the same");
  }
}

void CocoReader::take_annotation(const json& entry) {
  CocoBox found{integer(entry, "image_id"), integer(entry, "category_id"), {}};
  const auto bbox = entry.find("bbox");
  constexpr std::size_t kNumbers = 4;
  constexpr std::size_t kShown = 20;
  if (bbox == entry.end() || !bbox->is_array() || bbox->size() != kNumbers) {
    throw DataError(text(place(entry), " has no 'bbox' of four numbers"), "draw its box, or remove the annotation");
  }
  std::array<double, kNumbers> numbers{};
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const json& value = (*bbox)[i];
    numbers[i] = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
    if (!is_coordinate(numbers[i])) {
      throw no_coordinate(text(place(entry), ": bbox[", i, "]"), value.dump().substr(0, kShown));
    }
  }
  found.box.x0 = numbers[0];
  found.box.y0 = numbers[1];
  found.box.x1 = numbers[0] + numbers[2];
  found.box.y1 = numbers[1] + numbers[3];
  if (const auto crowd = entry.find("iscrowd"); crowd != entry.end()) {
    found.box.is_crowd = crowd->is_boolean() ? crowd->get<bool>() : crowd->is_number() && crowd->get<double>() != 0;
  }
  if (entry.contains("id") && !ids_.insert(integer(entry, "id")).second) {
    result_.traps.note(Trap::kAnnotationIdTwice, place(entry));
  }
  boxes_.push_back(std::move(found));
}

void CocoReader::order_classes() {
  std::set<std::string> seen;
  for (const auto& [id, name] : categories_) {
    if (seen.insert(name).second) {
      result_.classes.push_back(name);
    } else {
      result_.traps.note(Trap::kClassWithSeveralIds, text(name_, ": '", name, "' (id ", id, ")"));
    }
  }
}

Annotations CocoReader::finish() {
  for (const char* section : {"images", "categories", "annotations"}) {
    if (!sections_.contains(section)) {
      throw wrong(text("it has no '", section, "'"));
    }
  }
  order_classes();
  for (CocoBox& found : boxes_) {
    const auto image = images_.find(found.image);
    if (image == images_.end()) {
      result_.traps.note(Trap::kBoxOfUnknownImage, text(name_, ": image_id ", found.image));
      continue;
    }
    const auto category = categories_.find(found.category);
    if (category == categories_.end()) {
      throw DataError(text(name_, ": an annotation of '", result_.images[image->second].image_name, "' is of category ",
                           found.category, ", which is not listed"),
                      "add the category, or remove the annotation");
    }
    found.box.class_name = category->second;
    result_.images[image->second].boxes.push_back(std::move(found.box));
  }
  return std::move(result_);
}

}  // namespace

Annotations parse_coco(std::string_view content, const std::string& name) {
  CocoReader reader(name);
  try {
    const auto see = [&reader](int depth, ParseEvent event, json& parsed) { return reader.see(depth, event, parsed); };
    [[maybe_unused]] const json rest = json::parse(content.begin(), content.end(), see);
  } catch (const json::exception& error) {
    constexpr std::size_t kLongest = 160;  // the message quotes what was read last
    throw DataError(text(name, " is no JSON: ", first_line(error.what()).substr(0, kLongest)),
                    "copy it again from its source, or write it anew");
  }
  return reader.finish();
}

}  // namespace lockstep::data
