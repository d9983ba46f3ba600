#include "lockstep/parallel/spawn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "lockstep/base/text.h"
#include "lockstep/parallel/child_process.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/meeting_place.h"
#include "lockstep/parallel/placement.h"

namespace lockstep::parallel {
namespace {

/// How long the others have to end by themselves after one has failed: they notice its closed connection.
constexpr Seconds kGrace{10};

/// A socket that listens at a free port of the loopback device.
int listen_on_loopback() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket < 0 || ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket, SOMAXCONN) != 0) {
    const std::string reason = ::strerror(errno);
    ::close(socket);
    throw MachineError(text("no port on the loopback device: ", reason), "train with --ranks thread, which needs none");
  }
  return socket;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  LOCKSTEP_ASSERT(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0, "a socket without name");
  return ntohs(address.sin_port);
}

/// Kept by this process, so that it outlives any rank.
c10::intrusive_ptr<c10d::TCPStore> open_store(int socket) {
  c10d::TCPStoreOptions options;
  options.isServer = true;
  options.port = port_of(socket);
  options.masterListenFd = socket;
  options.waitWorkers = false;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

/// The command line of this process.
std::vector<std::string> own_command() {
  std::vector<std::string> words;
  std::ifstream file("/proc/self/cmdline");  // which has no size that could be asked for
  for (std::string word; std::getline(file, word, '\0');) {
    words.push_back(word);
  }
  LOCKSTEP_ASSERT(!words.empty(), "a process without a command line");
  return words;
}

/// The processes of the ranks, watched from the outside.
class Ranks {
 public:
  Ranks(int count, std::uint16_t port, MeetingPlace& place) : place_(place) {
    for (int rank = 0; rank < count; ++rank) {
      children_.emplace_back(own_command(),
                             std::vector<std::string>{text(kRankVariable, "=", rank), text(kSizeVariable, "=", count),
                                                      text(kPortVariable, "=", port)});
    }
  }

  bool all_ended() const {
    return std::ranges::all_of(children_, [](const ChildProcess& child) { return child.end().has_value(); });
  }

  void pass_on(int signal) {
    passed_on_ = signal;
    send(signal);
  }

  /// Takes note of those that have ended.
  void look() {
    for (std::size_t rank = 0; rank < children_.size(); ++rank) {
      const bool had_ended = children_[rank].end().has_value();
      if (!had_ended && children_[rank].has_ended()) {
        note(static_cast<int>(rank), *children_[rank].end());
      }
    }
    for (const ChildProcess& child : children_) {
      // One that was stopped does not notice anything.
      if (since_failure_ && (child.is_stopped() || since_failure_->seconds() > kGrace.count())) {
        child.send(SIGKILL);
      }
    }
  }

  /// Of the whole run, when all have ended.
  ExitCode exit_code() const {
    if (killed_) {
      throw TrainingError(*killed_,
                          "what was saved is safe: the same command resumes; the kernel sends SIGKILL when memory runs "
                          "out: then lower --batch-size");
    }
    return code_;
  }

 private:
  void send(int signal) const {
    for (const ChildProcess& child : children_) {
      child.send(signal);
    }
  }

  void note(int rank, const ProcessEnd& end) {
    if (end.signal != 0) {
      note_signal(rank, end.signal);
    } else {
      note_code(static_cast<ExitCode>(end.code));
    }
  }

  void note_signal(int rank, int signal) {
    if (since_failure_) {
      return;  // a consequence
    }
    since_failure_.emplace();
    if (signal == passed_on_) {
      code_ = ExitCode::kStopped;  // it came before the run could take it as a wish to stop
      place_.abandon("the run was stopped");
    } else {
      killed_ = text(rank_name(rank), " was ended by signal ", signal, " (", ::strsignal(signal), ")");
      place_.abandon(*killed_);
    }
  }

  void note_code(ExitCode code) {
    const bool failed = code != ExitCode::kFinished && code != ExitCode::kStopped;
    if (failed && code_ == ExitCode::kStopped && since_failure_) {
      return;  // stopped at once, see above
    }
    // A process that ends since another one has failed does so with kTraining: any other code says more.
    const auto weight = [](ExitCode each) {
      return each == ExitCode::kFinished ? 0 : each == ExitCode::kStopped ? 1 : each == ExitCode::kTraining ? 2 : 3;
    };
    if (weight(code) > weight(code_)) {
      code_ = code;
    }
    if (failed && !since_failure_) {
      since_failure_.emplace();
    }
  }

  MeetingPlace& place_;
  std::vector<ChildProcess> children_;
  ExitCode code_ = ExitCode::kFinished;
  int passed_on_ = 0;                  ///< the last signal that was
  std::optional<std::string> killed_;  ///< what there is to say of the first one that a signal has ended
  std::optional<Stopwatch> since_failure_;
};

}  // namespace

bool is_one_of_several_processes() { return read_placement(environment_variable).has_value(); }

ExitCode run_as_processes(int count) {
  const BlockedSignals signals({SIGINT, SIGTERM, SIGCHLD});
  const int socket = listen_on_loopback();
  const std::uint16_t port = port_of(socket);
  const auto store = open_store(socket);
  // The prefix is that of the placement that the copies read.
  MeetingPlace place(c10::make_intrusive<c10d::PrefixStore>("lockstep/", store), /*rank=*/-1, count, kGrace,
                     /*keeps_store=*/false);
  Ranks ranks(count, port, place);
  while (!ranks.all_ended()) {
    constexpr Seconds kLook{1};
    const int signal = signals.next(kLook);
    if (signal == SIGINT || signal == SIGTERM) {
      ranks.pass_on(signal);
    }
    ranks.look();
  }
  return ranks.exit_code();
}

}  // namespace lockstep::parallel
