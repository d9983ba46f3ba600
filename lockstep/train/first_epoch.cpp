#include "lockstep/train/first_epoch.h"

#include <cmath>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

using observe::Part;

std::string verdict_on(const FirstEpoch& first) {
  constexpr double kGood = 0.85;
  const double busy = first.utilisation / static_cast<double>(first.count);
  const auto percent = [](double share) { return text(std::lround(share * 100), " %"); };
  std::string words = text("the ranks were busy for ", percent(busy), " of their first epoch");
  if (busy >= kGood) {
    return words;
  }
  const double wait = first.seconds[Part::kWait] / first.seconds.sum();
  const double reduce = first.seconds[Part::kReduce] / first.seconds.sum();
  if (wait >= reduce) {
    return words + text("; rank 0 waited for data for ", percent(wait),
                        ": give more --num-workers, if cores are free; 'lockstep diagnose' says what that gains");
  }
  return words + text("; rank 0 waited for the others for ", percent(reduce),
                      ": give a larger --batch-size, or more --accumulation-steps, so that they meet less often");
}

void FirstEpochWatch::add(std::int64_t epoch, const std::vector<double>& utilisation,
                          const observe::PartSeconds& seconds) {
  if (!first_) {
    first_ = FirstEpoch{epoch, 0, 0, {}};
  }
  if (first_->epoch == epoch) {
    for (const double of_rank : utilisation) {
      first_->utilisation += of_rank;
      ++first_->count;
    }
    first_->seconds += seconds;
  } else if (first_->count > 0) {
    log::info(verdict_on(*first_));
    first_->count = 0;
  }
}

}  // namespace lockstep::train
