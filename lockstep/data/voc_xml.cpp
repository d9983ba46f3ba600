#include "lockstep/data/voc_xml.h"

#include <charconv>
#include <limits>
#include <pugixml.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

/// Thousands of objects fit into it; the parsed document takes several times as much memory.
constexpr std::size_t kMostBytes = 16 << 20;

/// NaN for words that are no number.
double number_in(const std::string& words) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr const char* kBlanks = " \t\r\n";
  const std::size_t first = words.find_first_not_of(kBlanks);
  if (first == std::string::npos) {
    return kNone;
  }
  const char* const behind = words.data() + words.find_last_not_of(kBlanks) + 1;
  double number = 0;
  const auto [end, error] = std::from_chars(words.data() + first, behind, number);
  return error == std::errc() && end == behind ? number : kNone;
}

double coordinate_of(const pugi::xml_node& box, const char* edge, const std::string& place) {
  constexpr std::size_t kShown = 20;
  const std::string words = box.child(edge).text().get();
  const double number = number_in(words);
  if (!is_coordinate(number)) {
    throw no_coordinate(text(place, ": <", edge, ">"), words.substr(0, kShown));
  }
  return number;
}

NamedBox box_of(const pugi::xml_node& object, const std::string& place) {
  NamedBox box;
  box.class_name = checked_name(object.child("name").text().get(), place + ": <name>");
  const std::string named = text(place, " ('", box.class_name, "')");
  const pugi::xml_node edges = object.child("bndbox");
  if (!edges) {
    throw DataError(named + " has no <bndbox>", "draw its box, or remove the object");
  }
  box.x0 = coordinate_of(edges, "xmin", named);
  box.y0 = coordinate_of(edges, "ymin", named);
  box.x1 = coordinate_of(edges, "xmax", named);
  box.y1 = coordinate_of(edges, "ymax", named);
  box.is_difficult = object.child("difficult").text().as_int() != 0;
  return box;
}

}  // namespace

ImageAnnotation parse_voc(std::string_view xml, const std::string& name) {
  if (xml.size() > kMostBytes) {
    throw DataError(text(name, " has ", xml.size() >> 20, " MiB, which is too much for the annotation of an image"),
                    "give a file of 16 MiB at most");
  }
  pugi::xml_document document;
  const pugi::xml_parse_result result = document.load_buffer(xml.data(), xml.size());
  if (!result) {
    throw DataError(text(name, " is no XML: ", result.description(), " at byte ", result.offset),
                    "copy it again from its source, or write it anew");
  }
  const pugi::xml_node root = document.child("annotation");
  if (!root) {
    throw DataError(name + " has no <annotation>", "give XML as PASCAL VOC's, or remove the file");
  }
  ImageAnnotation annotation;
  if (const pugi::xml_node file = root.child("filename"); !file.text().empty()) {
    annotation.image_name = checked_name(file.text().get(), name + ": <filename>");
  }
  if (const pugi::xml_node size = root.child("size"); size.child("width") && size.child("height")) {
    annotation.size = checked_size(number_in(size.child("width").text().get()),
                                   number_in(size.child("height").text().get()), name + ": <size>");
  }
  for (const pugi::xml_node& object : root.children("object")) {
    annotation.boxes.push_back(box_of(object, text(name, ": object ", annotation.boxes.size() + 1)));
  }
  return annotation;
}

}  // namespace lockstep::data
