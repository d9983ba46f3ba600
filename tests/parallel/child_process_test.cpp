#include "lockstep/parallel/child_process.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "lockstep/base/clock.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel::child_process_test {
namespace {

bool waited_for(const std::function<bool()>& condition) {
  for (const Stopwatch waited; waited.seconds() < 100;) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(ChildProcess, IsSeenToBeStoppedAndToGoOnAndToEnd) {
  constexpr const char* kIsChild = "LOCKSTEP_TEST_IS_CHILD";
  if (std::getenv(kIsChild) != nullptr) {
    std::this_thread::sleep_for(std::chrono::seconds(200));  // until it is killed
    return;
  }
  ChildProcess child({"child", "--gtest_filter=ChildProcess.*"}, {text(kIsChild, "=1")});
  EXPECT_FALSE(child.has_ended());
  EXPECT_FALSE(child.is_stopped());
  child.send(SIGSTOP);
  EXPECT_TRUE(waited_for([&] { return !child.has_ended() && child.is_stopped(); }));
  child.send(SIGCONT);
  EXPECT_TRUE(waited_for([&] { return !child.has_ended() && !child.is_stopped(); }));
  child.send(SIGSTOP);
  child.send(SIGKILL);
  EXPECT_TRUE(waited_for([&] { return child.has_ended(); }));
  EXPECT_EQ(child.end()->signal, SIGKILL);
  EXPECT_FALSE(child.is_stopped());
}

}  // namespace
}  // namespace lockstep::parallel::child_process_test
