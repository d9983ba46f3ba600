#include "lockstep/parallel/child_process.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

extern char** environ;

namespace lockstep::parallel {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) {
    all.push_back(const_cast<char*>(word.c_str()));
  }
  all.push_back(nullptr);
  return all;
}

/// What the new process does before it becomes the program. Other threads of the old one may have held any lock when
/// it was copied, so that only what a signal handler may call is called here.
[[noreturn]] void become_program(char** command, char** environment, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // Ctrl-C in a terminal goes to its whole process group: it would come twice
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent) {
    ::execve("/proc/self/exe", command, environment);
  }
  ::_exit(static_cast<int>(ExitCode::kMachine));
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::vector<std::string>& variables) {
  std::vector<std::string> environment = variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  const std::vector<char*> words = pointers(command);
  const std::vector<char*> settings = pointers(environment);
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) {
    become_program(const_cast<char**>(words.data()), const_cast<char**>(settings.data()), parent);
  }
  if (process_ < 0) {
    throw MachineError(text("no further process can be started: ", ::strerror(errno)),
                       "train with --ranks thread, or raise the limit (ulimit -u)");
  }
}

ChildProcess::~ChildProcess() {
  if (process_ > 0 && !end_) {
    send(SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), end_(other.end_), is_stopped_(other.is_stopped_) {}

void ChildProcess::send(int signal) const {
  if (!end_) {
    ::kill(process_, signal);
  }
}

bool ChildProcess::has_ended() {
  int status = 0;
  while (!end_ && ::waitpid(process_, &status, WNOHANG | WUNTRACED | WCONTINUED) == process_) {
    if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
      is_stopped_ = WIFSTOPPED(status);
    } else {
      end_ = WIFSIGNALED(status) ? ProcessEnd{0, WTERMSIG(status)} : ProcessEnd{WEXITSTATUS(status), 0};
    }
  }
  return end_.has_value();
}

BlockedSignals::BlockedSignals(std::initializer_list<int> signals) {
  ::sigemptyset(&blocked_);
  for (const int signal : signals) {
    ::sigaddset(&blocked_, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
}

BlockedSignals::~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int BlockedSignals::next(Seconds at_most) const {
  const double whole = std::floor(at_most.count());
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(whole);
  limit.tv_nsec = static_cast<long>((at_most.count() - whole) * 1e9);
  const int signal = ::sigtimedwait(&blocked_, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

}  // namespace lockstep::parallel
