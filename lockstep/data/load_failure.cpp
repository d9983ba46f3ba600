#include "lockstep/data/load_failure.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

LoadFailure describe(std::size_t sample, const Dataset& dataset, std::uint64_t index) {
  const auto with_name = [&](const std::exception& error) {
    return text("sample ", dataset.name(index), ": ", error.what());
  };
  try {
    throw;
  } catch (const DataError&) {
    return {sample, std::current_exception(), true};
  } catch (const UserError&) {
    return {sample, std::current_exception()};
  } catch (const std::bad_alloc&) {
    return {sample, std::current_exception()};
  } catch (const std::logic_error& error) {
    return {sample, std::make_exception_ptr(std::logic_error(with_name(error)))};
  } catch (const std::exception& error) {
    return {sample, std::make_exception_ptr(std::runtime_error(with_name(error)))};
  } catch (...) {
    return {sample, std::current_exception()};
  }
}

}  // namespace

LoadFailure current_load_failure(std::size_t sample, const Dataset& dataset, std::uint64_t index) noexcept {
  try {
    return describe(sample, dataset, index);
  } catch (...) {
    return {sample, std::current_exception()};
  }
}

void settle_failures(const Dataset& dataset, BadSamples* bad_samples, Batch& batch,
                     std::vector<LoadFailure>& failures) {
  std::ranges::sort(failures, {}, &LoadFailure::sample);
  std::vector<std::size_t> unreadable;
  for (const LoadFailure& failure : failures) {
    if (!failure.is_bad_data || bad_samples == nullptr) {
      std::rethrow_exception(failure.error);
    }
    bad_samples->note(dataset, batch.draws[failure.sample].index, failure.error);
    unreadable.push_back(failure.sample);
  }
  bad_samples->check();
  leave_out(batch, unreadable);
}

}  // namespace lockstep::data
