#include "lockstep/checkpoint/core/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "lockstep/base/text.h"

namespace lockstep::checkpoint::pickle_test {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Pickle read_pickle(const std::string& bytes) { return {std::as_bytes(std::span(bytes)), "some.pth"}; }

/// What is said of a pickle; empty where it is read.
std::string refusal_of(const std::string& bytes) {
  try {
    read_pickle(bytes);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

struct HostileCase {
  const char* name;
  std::string bytes;
  const char* named = "posix.system";
};

class HostilePickle : public testing::TestWithParam<HostileCase> {};

TEST_P(HostilePickle, IsRefusedByTheNameThatItNames) {
  EXPECT_THAT(refusal_of(GetParam().bytes),
              AllOf(HasSubstr("'some.pth' names '"s + GetParam().named + "'"), HasSubstr("nothing was run"),
                    HasSubstr("torch.save(model.state_dict(), FILE)")));
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HostilePickle,
    testing::Values(HostileCase{"Global", "cposix\nsystem\n."},  //
                    HostileCase{"Reduce",
                                "\x80\x02"
                                "cposix\nsystem\nX\x04\0\0\0exit\x85R."s},  //
                    HostileCase{"StackGlobal",
                                "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04"
                                "exit\x85R."},
                    HostileCase{"NamesFromTheMemo",
                                "\x80\x04\x8c\x05posix\x94\x8c\x06system\x94"
                                "00h\x00h\x01\x93."s},
                    HostileCase{"Instance", "(S'exit'\niposix\nsystem\n."},  //
                    HostileCase{"Object", "(cposix\nsystem\nS'exit'\no."},   //
                    HostileCase{"NewObject",
                                "\x80\x02"
                                "cposix\nsystem\n)\x81."},                                                //
                    HostileCase{"NewObjectWithNames", "\x80\x04\x8c\x05posix\x8c\x06system\x93)}\x92."},  //
                    HostileCase{"Build",
                                "\x80\x02"
                                "csome.module\nTrap\n)\x81}X\x01\0\0\0aK\x01sb."s,
                                "some.module.Trap"},
                    HostileCase{"InATable", "}(S'state_dict'\ncposix\nsystem\n(S'exit'\ntRu."},        //
                    HostileCase{"AsAnArgument", "ccollections\nOrderedDict\n(cposix\nsystem\ntR."},    //
                    HostileCase{"Evaluation", "c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"},   //
                    HostileCase{"AttributeOfSomething", "cbuiltins\ngetattr\n.", "builtins.getattr"},  //
                    HostileCase{"ANetwork", "cmodels.net\nNet\n)\x81.", "models.net.Net"},             //
                    HostileCase{"PartOfAKnownModule", "ctorch\nload\n.", "torch.load"},                //
                    HostileCase{"DottedName", "\x80\x04\x8c\x05torch\x8c\x0cstorage.load\x93.", "torch.storage.load"},
                    HostileCase{"CommandsForTheTerminal", "c\x1b[2Jposix\nsystem\n.", "?[2Jposix.system"}),
    [](const auto& one) { return one.param.name; });

TEST(Pickle, ALongNameIsCut) {
  EXPECT_THAT(refusal_of("c" + std::string(100'000, 'x') + "\nsystem\n."), testing::SizeIs(testing::Lt(1000U)));
}

struct BrokenPickleCase {
  const char* name;
  std::string bytes;
};

class BrokenPickle : public testing::TestWithParam<BrokenPickleCase> {};

TEST_P(BrokenPickle, IsADataErrorWithTheFilesName) { EXPECT_THAT(refusal_of(GetParam().bytes), HasSubstr("some.pth")); }

INSTANTIATE_TEST_SUITE_P(
    Kinds, BrokenPickle,
    testing::Values(BrokenPickleCase{"Empty", ""}, BrokenPickleCase{"NoEnd", "N"},
                    BrokenPickleCase{"NothingAtTheEnd", "."}, BrokenPickleCase{"OnlyAMark", "(."},
                    BrokenPickleCase{"NoMark", "Nt."}, BrokenPickleCase{"TooFewItems", "N\x86."},
                    BrokenPickleCase{"ItemsBelowTheMark", "NN(\x86."},
                    BrokenPickleCase{"TextBeyondTheEnd",
                                     "X\xff\xff\xff\xff"
                                     "abc."},
                    BrokenPickleCase{"TextOfAbsurdLength",
                                     "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                                     "abc."},
                    BrokenPickleCase{"BytesBeyondTheEnd",
                                     "\x96\xff\xff\xff\xff\xff\xff\xff\x7f"
                                     "abc."},
                    BrokenPickleCase{"NumberBeyondTheEnd",
                                     "\x8b\xff\xff\xff\x7f"
                                     "abc."},
                    BrokenPickleCase{"NameWithoutLineBreak", "cposix"}, BrokenPickleCase{"EmptyMemo", "h\x07."},
                    BrokenPickleCase{"NothingToRemember", "q\x07."}, BrokenPickleCase{"WordInTheMemo", "Npx\n."},
                    BrokenPickleCase{"OddEntries", "}(NNNu."}, BrokenPickleCase{"EntriesOfAList", "]NNs."},
                    BrokenPickleCase{"ItemsOfATable", "}Na."}, BrokenPickleCase{"CallOfAText", "S'a'\n)R."},
                    BrokenPickleCase{"CallOfAnEmptyObject", "(o."},
                    BrokenPickleCase{"CallWithoutArguments", "ccollections\nOrderedDict\nNR."},
                    BrokenPickleCase{"CallOfStorage", "ctorch\nFloatStorage\n)R."},
                    BrokenPickleCase{"NameOfNumbers", "NN\x93."}, BrokenPickleCase{"PersistentNameOfNothing", "NQ."},
                    BrokenPickleCase{"PersistentNameInText", "P0\n."}, BrokenPickleCase{"Extension", "\x82\x01."},
                    BrokenPickleCase{"OutOfBandBuffer", "\x97."},
                    BrokenPickleCase{"PairsOfThree", "ccollections\nOrderedDict\n((lp0\n(NNNtatR."},
                    BrokenPickleCase{"TooManyParts", std::string(5'000'000, ')') + "."},
                    BrokenPickleCase{"TooManyPlacesInTheMemo", "N" + std::string(5'000'000, '\x94') + "."},
                    BrokenPickleCase{"TooLarge", std::string(kMostPickleBytes, 'N') + "."}),
    [](const auto& one) { return one.param.name; });

TEST(Pickle, CopiesOfALargeTableCount) {
  std::string bytes = "ccollections\nOrderedDict\nq\x01}q\x02(" + std::string(200'000, 'N');
  bytes += "u0";
  for (int i = 0; i < 100; ++i) {
    bytes += "h\x01h\x02\x85R";
  }
  EXPECT_THAT(refusal_of(bytes + "."), HasSubstr("more parts"));
}

TEST(Pickle, NestingOfAnyDepthIsReadAndForgotten) {
  constexpr std::size_t kDepth = 1'000'000;
  const Pickle pickle = read_pickle(std::string(kDepth, ']') + std::string(kDepth - 1, 'a') + ".");
  EXPECT_EQ(pickle.root().as<PickleList>()->items.size(), 1U);
}

TEST(Pickle, AListMayHoldItself) {
  const Pickle pickle = read_pickle(
      "]q\x01h\x01"
      "a.");
  EXPECT_EQ(pickle.root().as<PickleList>()->items.front(), &pickle.root());
}

template <typename T>
T only(const std::string& bytes) {
  return *read_pickle(bytes).root().as<T>();
}

TEST(Pickle, NumbersOfAllProtocols) {
  EXPECT_EQ(only<std::int64_t>("K\xff."), 255);
  EXPECT_EQ(only<std::int64_t>("M\x01\x02."), 0x201);
  EXPECT_EQ(only<std::int64_t>("J\xfe\xff\xff\xff."), -2);
  EXPECT_EQ(only<std::int64_t>("\x8a\x02\xff\x7f."), 32767);
  EXPECT_EQ(only<std::int64_t>("\x8a\x01\xff."), -1);
  EXPECT_EQ(only<std::int64_t>("\x8a\x00."s), 0);
  EXPECT_EQ(only<std::int64_t>("I-7\n."), -7);
  EXPECT_EQ(only<std::int64_t>("L9223372036854775807L\n."), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(only<bool>("I01\n."), true);
  EXPECT_EQ(only<bool>("\x89."), false);
  EXPECT_EQ(only<double>("G\x3f\xf8\0\0\0\0\0\0."s), 1.5);
  EXPECT_NE(read_pickle("\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09.").root().as<PickleOpaque>(), nullptr);
}

/// A call of _rebuild_tensor_v2; the lists are lines such as "I2\nI3\n".
std::string tensor(const std::string& count, const std::string& offset, const std::string& shape,
                   const std::string& strides) {
  return text("ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI", count, "\ntQI",
              offset, "\n(", shape, "t(", strides, "tI00\n)tR");
}

TEST(Pickle, ATensorIsAViewOfItsNumbers) {
  const std::string bytes = tensor("11", "1", "I2\nI3\n", "I1\nI4\n") + ".";
  const Pickle pickle = read_pickle(bytes);
  const auto* found = pickle.root().as<StoredTensor>();
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->numbers, (StoredNumbers{ElementType::kFloat, "0", 11}));
  EXPECT_EQ(found->offset, 1);
  EXPECT_EQ(found->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(found->strides, (std::vector<std::int64_t>{1, 4}));
}

TEST(Pickle, ATensorMustLieInsideOfItsNumbers) {
  EXPECT_EQ(refusal_of(tensor("11", "1", "I2\nI3\n", "I1\nI4\n") + "."), "");
  EXPECT_EQ(refusal_of(tensor("3", "3", "I0\nI7\n", "I7\nI1\n") + "."), "");
  const char* huge = "I9223372036854775807\n";
  for (const std::string& outside : {
           tensor("10", "2", "I2\nI3\n", "I1\nI4\n") + "x",
           tensor("10", "10", "", ""),
           tensor("10", "9223372036854775807", "I2\n", "I1\n"),
           tensor("10", "-1", "I2\n", "I1\n"),
           tensor("10", "0", "I-2\n", "I1\n"),
           tensor("10", "0", "I2\n", "I-1\n"),
           tensor("-10", "0", "I0\n", "I1\n"),
           tensor("10", "0", "I2\n", ""),
           tensor("10", "0", huge, huge),
           tensor("10", "0", text(huge, huge), "I0\nI0\n"),
           tensor("10", "11", "I0\n", "I1\n"),
           tensor("10", "0", "N", "I1\n"),
           tensor("10", "N\nI0", "I1\n", "I1\n"),
       }) {
    EXPECT_THAT(refusal_of(outside + "."), HasSubstr("some.pth")) << outside;
  }
}

TEST(Pickle, CutAnywhereIsADataError) {
  const std::string whole = "\x80\x02}(S'a'\n" + tensor("11", "1", "I2\nI3\n", "I1\nI4\n") + "u.";
  EXPECT_EQ(refusal_of(whole), "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(refusal_of(whole.substr(0, length)), HasSubstr("some.pth")) << length;
  }
}

TEST(Pickle, WhatStandsBesideWeightsIsNotLookedInto) {
  EXPECT_EQ(refusal_of("cargparse\nNamespace\n)\x81}S'lr'\nF0.1\nsb."), "");
  EXPECT_EQ(refusal_of("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI00\nI01\ntRC\x02"
                       "abtR."),
            "");
  EXPECT_EQ(refusal_of("\x80\x04\x8f(NN\x90(N\x91\x86."), "");
}

}  // namespace
}  // namespace lockstep::checkpoint::pickle_test
