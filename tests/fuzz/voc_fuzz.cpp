// Any bytes must end in an annotation whose boxes lie inside of its image, or in a DataError.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lockstep/data/voc_xml.h"
#include "tests/fuzz/box_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  try {
    const data::ImageAnnotation annotation = data::parse_voc({reinterpret_cast<const char*>(data), size}, "fuzzed.xml");
    data::ClassIndex classes;
    for (const data::NamedBox& box : annotation.boxes) {
      fuzz::require_name(box.class_name);
      classes.emplace(box.class_name, classes.size());
    }
    fuzz::require_good_boxes(annotation, classes);
  } catch (const DataError&) {
  }
  return 0;
}
