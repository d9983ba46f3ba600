#include "lockstep/data/voc_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"

namespace lockstep::data::voc_xml_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string object(const std::string& name, const std::string& edges, const std::string& more = "") {
  return "<object><name>" + name + "</name>" + more + "<bndbox>" + edges + "</bndbox></object>";
}

std::string edges(const std::string& x0, const std::string& y0, const std::string& x1, const std::string& y1) {
  return "<xmin>" + x0 + "</xmin><ymin>" + y0 + "</ymin><xmax>" + x1 + "</xmax><ymax>" + y1 + "</ymax>";
}

std::string file(const std::string& objects, const std::string& width = "64", const std::string& height = "48") {
  return "<annotation><filename>a.jpg</filename><size><width>" + width + "</width><height>" + height +
         "</height></size>" + objects + "</annotation>";
}

std::string error_of(const std::string& xml) {
  try {
    parse_voc(xml, "set/a.xml");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(VocXml, GivesNameSizeAndBoxes) {
  const ImageAnnotation read =
      parse_voc(file(object(" a dog\n", edges("1", "2.5", " 30 ", "4e1")) +
                     object("cat", edges("0", "0", "64", "48"), "<difficult>1</difficult><part><bndbox/></part>")),
                "a.xml");
  EXPECT_EQ(read.image_name, "a.jpg");
  EXPECT_EQ(read.size, (media::ImageSize{64, 48}));
  ASSERT_EQ(read.boxes.size(), 2U);
  EXPECT_EQ(read.boxes[0].class_name, "a dog");
  EXPECT_EQ(read.boxes[0].y0, 2.5);
  EXPECT_EQ(read.boxes[0].x1, 30);
  EXPECT_EQ(read.boxes[0].y1, 40);
  EXPECT_FALSE(read.boxes[0].is_difficult);
  EXPECT_TRUE(read.boxes[1].is_difficult);
}

TEST(VocXml, ASizeOfZeroOrNoneIsNotGiven) {
  EXPECT_EQ(parse_voc(file("", "0", "0"), "a.xml").size, media::ImageSize{});
  EXPECT_EQ(parse_voc("<annotation/>", "a.xml").size, media::ImageSize{});
}

TEST(VocXml, WhatIsWrongIsNamedWithItsObject) {
  EXPECT_THAT(error_of(file(object("cat", edges("1", "2", "3", "4")) + object("dog", edges("1", "nan", "3", "4")))),
              AllOf(HasSubstr("set/a.xml: object 2 ('dog'): <ymin> is 'nan'"), HasSubstr("; give pixels")));
  for (const char* number : {"", "inf", "1e999", "2000000", "12px", "0x10", "&e;"}) {
    EXPECT_THAT(error_of(file(object("cat", edges(number, "2", "3", "4")))), HasSubstr("<xmin> is '")) << number;
  }
  EXPECT_THAT(error_of(file(object("cat", "<xmin>1</xmin>"))), HasSubstr("<ymin> is ''"));
  EXPECT_THAT(error_of(file("<object><name>cat</name></object>")), HasSubstr("object 1 ('cat') has no <bndbox>"));
  EXPECT_THAT(error_of(file("<object><bndbox/></object>")), HasSubstr("object 1: <name> is empty"));
  EXPECT_THAT(error_of(file(object("a\nb", edges("1", "2", "3", "4")))), HasSubstr("<name> has control characters"));
  EXPECT_THAT(error_of(file(object(std::string(300, 'x'), ""))), HasSubstr("<name> is longer than 255 bytes"));
  EXPECT_THAT(error_of(file("", "-5", "48")), HasSubstr("set/a.xml: <size> is -5x48"));
  EXPECT_THAT(error_of(file("", "wide", "48")), HasSubstr("set/a.xml: <size> is nanx48"));
  EXPECT_THAT(error_of(file("", "65000", "65000")), HasSubstr("which no image has"));
}

TEST(VocXml, WhatIsNoAnnotationIsRefused) {
  EXPECT_THAT(error_of("<annotation><object>"), HasSubstr("set/a.xml is no XML"));
  EXPECT_THAT(error_of(""), HasSubstr("set/a.xml is no XML"));
  EXPECT_THAT(error_of("<project/>"), HasSubstr("set/a.xml has no <annotation>"));
  EXPECT_THAT(error_of(std::string((16 << 20) + 1, ' ')), HasSubstr("too much for the annotation of an image"));
}

TEST(VocXml, EntitiesAreNeitherExpandedNorFetched) {
  std::string bomb =
      "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e0 \"lol\"><!ENTITY x SYSTEM \"file:///etc/passwd\">";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "&e" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY e" + std::to_string(i) + " \"" + before + before + "\">";
  }
  const ImageAnnotation read = parse_voc(bomb + "]>" + file(object("&e29;&x;", edges("1", "2", "3", "4"))), "a.xml");
  ASSERT_EQ(read.boxes.size(), 1U);
  EXPECT_EQ(read.boxes[0].class_name, "&e29;&x;");
}

TEST(VocXml, DeepNestingIsBorne) {
  std::string deep = "<annotation>";
  for (int i = 0; i < 1'000'000; ++i) {
    deep += "<a>";
  }
  EXPECT_THAT(error_of(deep), HasSubstr("is no XML"));
  for (int i = 0; i < 1'000'000; ++i) {
    deep += "</a>";
  }
  EXPECT_TRUE(parse_voc(deep + "</annotation>", "a.xml").boxes.empty());
}

}  // namespace
}  // namespace lockstep::data::voc_xml_test
