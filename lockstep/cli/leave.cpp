#include "lockstep/cli/leave.h"

#include <unistd.h>

#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::cli {
namespace {

ExitCode report(ExitCode code, const std::string& message) {
  // One line, whatever a library has put into its message.
  std::cerr << "lockstep: error: " << first_line(message) << std::endl;
  return code;
}

/// Runs the words in a thread that nobody joins, for it may never end.
void run_for_a_while(const std::function<void()>& words) {
  constexpr std::chrono::seconds kMost{30};
  const auto done = std::make_shared<std::promise<void>>();
  const std::future<void> future = done->get_future();
  std::thread([words, done] {
    try {
      words();
    } catch (const std::exception&) {
      // Of the two errors the one that is about to be told says more.
    }
    done->set_value();
  }).detach();
  future.wait_for(kMost);
}

}  // namespace

ExitCode tell(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const parallel::PeerFailed&) {
    return ExitCode::kTraining;  // the process that failed tells why
  } catch (const UserError& user_error) {
    return report(user_error.code(), user_error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::kMachine, "the memory of this machine is used up; lower --batch-size or --img-size");
  } catch (const std::exception& other) {
    return report(ExitCode::kTraining, other.what());
  }
}

void leave_at_once(const std::exception_ptr& error, const std::function<void()>& last_words) {
  static std::mutex leaving;
  leaving.lock();  // for good
  run_for_a_while(last_words);
  ::_exit(static_cast<int>(tell(error)));
}

}  // namespace lockstep::cli
