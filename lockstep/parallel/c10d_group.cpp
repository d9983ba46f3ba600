#include "lockstep/parallel/c10d_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/cuda_module.h"
#include "lockstep/parallel/gloo.h"
#include "lockstep/parallel/ordered_reduction.h"
#include "lockstep/parallel/roll_call.h"

namespace lockstep::parallel {
namespace {

using WorkHandle = c10::intrusive_ptr<c10d::Work>;

/// A collective that is under way.
struct Pending {
  WorkHandle work;
  std::int64_t number = 0;  ///< among all of this group
};

/// The collectives of one rank. They are begun without waiting, in the same order on all ranks.
class Collectives {
 public:
  Collectives(std::shared_ptr<MeetingPlace> place, const std::string& name, c10::Device device, bool one_machine)
      : place_(std::move(place)),
        device_(device),
        one_machine_(one_machine),
        roll_call_(*place_, name + "/roll-call"),
        gloo_(make_gloo(place_->part(name + "/gloo"), place_->rank(), place_->size(), place_->timeout(), one_machine)) {
    if (!device.is_cpu()) {
      nccl_ = cuda_module().make_nccl_backend(place_->part(name + "/nccl"), place_->rank(), place_->size(), device,
                                              place_->timeout());
    }
  }

  MeetingPlace& place() { return *place_; }

  /// Others like these.
  std::shared_ptr<Collectives> make_twin() const {
    return std::make_shared<Collectives>(place_, place_->new_name(), device_, one_machine_);
  }

  /// `begin` gets the backend that reaches the device.
  template <typename Begin>
  Pending begin(c10::Device device, const std::string& occasion, const Begin& begin) {
    const std::int64_t number = roll_call_.come();
    try {
      return {begin(device.is_cpu() ? *gloo_ : *nccl_), number};
    } catch (const std::exception& error) {
      explain(number, occasion, 0, error);
    }
  }

  void wait(const Pending& pending, const std::string& occasion) {
    const Stopwatch waited;
    try {
      pending.work->wait();
    } catch (const std::exception& error) {
      explain(pending.number, occasion, waited.seconds(), error);
    }
  }

  /// Waits on the host until all ranks have come to a collective of GPUs. These would wait for each other in silence:
  /// the host learns of it much later, when it waits for the GPU, and then cannot say who is missing.
  void meet_for(c10::Device device, const std::string& occasion) {
    if (!device.is_cpu()) {
      const MeetingScope probe("meeting of the hosts");
      wait(begin(c10::kCPU, occasion, [](c10d::Backend& backend) { return backend.barrier(); }), occasion);
    }
  }

  template <typename Begin>
  void run(c10::Device device, const char* occasion, const Begin& begin_it) {
    const MeetingScope probe(occasion);
    meet_for(device, occasion);
    wait(begin(device, occasion, begin_it), occasion);
  }

 private:
  /// Throws what is behind the failure of a collective, and tells it to the others.
  [[noreturn]] void explain(std::int64_t number, const std::string& occasion, double waited,
                            const std::exception& error) {
    const std::string us = rank_name(place_->rank());
    std::string missing;
    try {
      missing = roll_call_.missing(number);
    } catch (const c10::Error&) {
      throw TrainingError(text(us, " lost the process that keeps the store (", occasion, ")"),
                          "what was saved is safe: the same command resumes");
    }
    const bool in_vain = waited >= 0.9 * place_->timeout().count();
    std::string problem;
    if (missing.empty()) {
      const std::string message = error.what();
      problem = text(us, " failed in ", occasion, ": ", message.substr(0, message.find('\n')));
    } else if (in_vain) {
      problem = text(us, " waited ", format_duration(place_->timeout().count()), " for ", missing, " (", occasion, ")");
    } else {
      problem = text(us, " lost ", missing, " (", occasion, ")");
    }
    const RanksMissing told(problem, in_vain ? "give slow steps more time with --watchdog SECONDS"
                                             : "what was saved is safe: the same command resumes");
    if (!place_->abandon(told.what())) {
      throw PeerFailed(place_->failure().value_or(told.what()));
    }
    throw told;
  }

  std::shared_ptr<MeetingPlace> place_;
  c10::Device device_;
  bool one_machine_;
  RollCall roll_call_;
  c10::intrusive_ptr<c10d::Backend> gloo_;
  c10::intrusive_ptr<c10d::Backend> nccl_;  ///< null on CPU ranks
};

class C10dReduction : public OrderedReduction {
 public:
  C10dReduction(std::shared_ptr<Collectives> collectives, std::vector<at::Tensor> buffers)
      : OrderedReduction(std::move(buffers)),
        collectives_(std::move(collectives)),
        pending_(this->buffers().size()),
        device_(this->buffers().at(0).device()) {}

  void wait() override {
    collectives_->meet_for(device_, "all-reduce of gradients");
    OrderedReduction::wait();
  }

 private:
  void begin_sum(std::size_t buffer) override {
    std::vector<at::Tensor> tensors{buffers()[buffer]};
    pending_[buffer] = collectives_->begin(device_, occasion(buffer),
                                           [&](c10d::Backend& backend) { return backend.allreduce(tensors); });
  }

  void wait_for(std::size_t buffer) override { collectives_->wait(pending_[buffer], occasion(buffer)); }

  std::shared_ptr<Collectives> collectives_;
  std::vector<Pending> pending_;  ///< by buffer
  c10::Device device_;
};

/// What a rank puts into an all-gather of bytes: as much as most calls have, so that one collective is enough.
struct Message {
  static constexpr std::size_t kRoom = 248;

  std::uint64_t length = 0;  ///< of all bytes, of which only the first `kRoom` are here
  std::array<std::byte, kRoom> bytes{};
};

class C10dGroup : public Group {
 public:
  explicit C10dGroup(std::shared_ptr<Collectives> collectives) : collectives_(std::move(collectives)) {}

  int rank() const override { return collectives_->place().rank(); }
  int size() const override { return collectives_->place().size(); }

  void all_reduce(const at::Tensor& tensor) override {
    collectives_->run(tensor.device(), "all-reduce", [&](c10d::Backend& backend) {
      std::vector<at::Tensor> tensors{tensor};
      return backend.allreduce(tensors);
    });
  }

  void broadcast(const at::Tensor& tensor, int root) override {
    collectives_->run(tensor.device(), "broadcast", [&](c10d::Backend& backend) {
      std::vector<at::Tensor> tensors{tensor};
      c10d::BroadcastOptions options;
      options.rootRank = root;
      return backend.broadcast(tensors, options);
    });
  }

  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    Message own{bytes.size(), {}};
    std::copy_n(bytes.begin(), std::min(bytes.size(), Message::kRoom), own.bytes.begin());
    std::vector<Message> messages(static_cast<std::size_t>(size()));
    gather(&own, sizeof own, messages.data());

    const std::size_t longest = std::ranges::max(messages, {}, &Message::length).length;
    std::vector<std::byte> whole;  // one row of `longest` bytes a rank
    if (longest > Message::kRoom) {
      std::vector<std::byte> padded(bytes.begin(), bytes.end());
      padded.resize(longest);
      whole.resize(longest * messages.size());
      gather(padded.data(), longest, whole.data());
    }
    std::vector<std::vector<std::byte>> gathered;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const std::byte* first = whole.empty() ? messages[i].bytes.data() : whole.data() + i * longest;
      gathered.emplace_back(first, first + messages[i].length);
    }
    return gathered;
  }

  std::unique_ptr<Reduction> make_reduction(std::vector<at::Tensor> buffers) override {
    return std::make_unique<C10dReduction>(collectives_, std::move(buffers));
  }

  void barrier() override {
    collectives_->run(c10::kCPU, "barrier", [](c10d::Backend& backend) { return backend.barrier(); });
  }

  std::unique_ptr<Group> make_twin() override { return std::make_unique<C10dGroup>(collectives_->make_twin()); }

  void abandon(const std::string& reason) override {
    try {
      collectives_->place().abandon(reason);
    } catch (const std::exception&) {
      // The store went with the process that kept it: the others see that by themselves.
    }
  }

 private:
  /// `length` bytes of every rank.
  void gather(void* own, std::size_t length, void* all) {
    const auto count = static_cast<std::int64_t>(length);
    at::Tensor input = at::from_blob(own, {count}, at::kByte);
    at::Tensor output = at::from_blob(all, {count * size()}, at::kByte);
    collectives_->run(c10::kCPU, "all-gather",
                      [&](c10d::Backend& backend) { return backend._allgather_base(output, input); });
  }

  std::shared_ptr<Collectives> collectives_;
};

}  // namespace

std::unique_ptr<Group> make_c10d_group(const std::shared_ptr<MeetingPlace>& place, const std::string& name,
                                       c10::Device device, bool one_machine) {
  place->meet("start of " + name);  // so that whoever does not come is named
  return std::make_unique<C10dGroup>(std::make_shared<Collectives>(place, name, device, one_machine));
}

}  // namespace lockstep::parallel
