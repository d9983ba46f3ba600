#include "lockstep/data/batch_server.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::batch_server_test {
namespace {

TEST(BatchServer, AnswersEveryGoWithOneLine) {
  const test::TempFolder set;
  make_directories(set / "img");
  make_directories(set / "mask");
  for (int i = 0; i < 3; ++i) {
    write_file_atomically(set / text("img/", i, ".jpg"), media::encode_jpeg(test::make_photograph(i, {64, 48}), 90));
    write_file_atomically(set / text("mask/", i, ".png"), media::encode_png(test::make_mask(i, {64, 48})));
  }
  std::istringstream in("go\ngo\nquit\ngo\n");
  std::stringstream out;
  serve_batches({set.path(), /*num_workers=*/2, /*warm_up_batches=*/1, /*measured_batches=*/2}, in, out);
  std::string line;
  std::getline(out, line);
  EXPECT_EQ(line, "READY");
  for (int turn = 0; turn < 2; ++turn) {
    ASSERT_TRUE(std::getline(out, line));
    const nlohmann::json answer = nlohmann::json::parse(line);
    EXPECT_GT(answer.at("ips"), 0);
    EXPECT_GT(answer.at("cpu_ms"), 0);
  }
  EXPECT_FALSE(std::getline(out, line));
}

TEST(BatchServer, OneCoreIsTheSecondOne) {
  std::thread([] {
    cpu_set_t cores;
    try {
      pin_to_cores(1);
    } catch (const MachineError&) {
      GTEST_SKIP() << "this process may not run on core 1";
    }
    ASSERT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
    EXPECT_EQ(CPU_COUNT(&cores), 1);
    EXPECT_TRUE(CPU_ISSET(1, &cores));
  }).join();
}

TEST(BatchServer, RefusesAFolderWithoutImages) {
  const test::TempFolder set;
  std::istringstream in;
  std::ostringstream out;
  EXPECT_THROW(serve_batches({set.path()}, in, out), DataError);
}

}  // namespace
}  // namespace lockstep::data::batch_server_test
