// Any bytes must end in annotations whose boxes lie inside of their images and are of a known class, or in a DataError.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "lockstep/data/coco_json.h"
#include "tests/fuzz/box_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  try {
    const data::Annotations annotations = data::parse_coco({reinterpret_cast<const char*>(data), size}, "fuzzed.json");
    data::ClassIndex classes;
    for (const std::string& name : annotations.classes) {
      fuzz::require_name(name);
      LOCKSTEP_ASSERT(classes.emplace(name, classes.size()).second, "a class is there twice");
    }
    std::set<std::int64_t> ids;
    for (const data::ImageAnnotation& image : annotations.images) {
      fuzz::require_name(image.image_name);
      LOCKSTEP_ASSERT(ids.insert(image.id).second, "an image is there twice");
      fuzz::require_good_boxes(image, classes);
    }
  } catch (const DataError&) {
  }
  return 0;
}
