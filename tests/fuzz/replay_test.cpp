// Runs the fuzz targets without libFuzzer: over their corpus, and over mutations of it. Whatever a target finds wrong
// it throws; what a sanitizer finds ends the program.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "tests/support/process.h"

extern "C" int jpeg_fuzz(const std::uint8_t* data, std::size_t size);
extern "C" int png_fuzz(const std::uint8_t* data, std::size_t size);
extern "C" int png_rows_fuzz(const std::uint8_t* data, std::size_t size);
extern "C" int tiff_fuzz(const std::uint8_t* data, std::size_t size);

namespace lockstep::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

struct FuzzTarget {
  const char* corpus;
  int (*entry)(const std::uint8_t* data, std::size_t size);
};

std::ostream& operator<<(std::ostream& stream, const FuzzTarget& target) { return stream << target.corpus; }

/// The files of a corpus, in the order of their names.
std::vector<Bytes> read_corpus(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::source_dir() / "tests" / "fuzz" / "corpus" / name)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> files;
  for (const std::filesystem::path& path : paths) {
    files.push_back(read_file(path));
  }
  return files;
}

/// One change of a kind that finds mistakes in readers: other bytes, extreme numbers, a part lost, doubled or moved.
void mutate(Bytes& bytes, RandomStream& random) {
  if (bytes.empty()) {
    return;
  }
  const std::size_t place = random.below(bytes.size());
  const std::size_t length = 1 + random.below(std::min<std::size_t>(bytes.size() - place, 40));
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(place);
  const auto last = first + static_cast<std::ptrdiff_t>(length);
  switch (random.below(6)) {
    case 0:
      *first ^= static_cast<std::byte>(1U << random.below(8));
      break;
    case 1:
      *first = static_cast<std::byte>(random.below(256));
      break;
    case 2:
      std::fill(first, last, random.chance(0.5) ? std::byte{0xff} : std::byte{0});
      break;
    case 3:
      bytes.erase(first, last);
      break;
    case 4: {
      const Bytes copy(first, last);
      const auto target = static_cast<std::ptrdiff_t>(random.below(bytes.size()));
      bytes.insert(bytes.begin() + target, copy.begin(), copy.end());
      break;
    }
    default:
      bytes.resize(bytes.size() - random.below(std::min<std::size_t>(bytes.size(), 20)));
  }
}

class FuzzReplay : public testing::TestWithParam<FuzzTarget> {
 protected:
  static void run(const Bytes& bytes) {
    ASSERT_NO_THROW(GetParam().entry(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  }
};

TEST_P(FuzzReplay, FindsNothingInTheCorpus) {
  const std::vector<Bytes> corpus = read_corpus(GetParam().corpus);
  EXPECT_GE(corpus.size(), 3U);
  for (const Bytes& file : corpus) {
    run(file);
  }
  run({});
}

TEST_P(FuzzReplay, FindsNothingInMutations) {
  constexpr int kMutations = 3000;
  const std::vector<Bytes> corpus = read_corpus(GetParam().corpus);
  ASSERT_FALSE(corpus.empty());
  RandomStream random({5, Purpose::kSelection});
  for (int trial = 0; trial < kMutations && !HasFatalFailure(); ++trial) {
    SCOPED_TRACE(trial);
    Bytes bytes = corpus[random.below(corpus.size())];
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      mutate(bytes, random);
    }
    run(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, FuzzReplay,
                         testing::Values(FuzzTarget{"jpeg", jpeg_fuzz}, FuzzTarget{"png", png_fuzz},
                                         FuzzTarget{"png_rows", png_rows_fuzz}, FuzzTarget{"tiff", tiff_fuzz}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace lockstep::fuzz
