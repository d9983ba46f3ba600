#include "lockstep/parallel/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "lockstep/base/error.h"

namespace lockstep::parallel::failure_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename Thrown>
Failure failure_by(const Thrown& thrown) {
  try {
    throw thrown;
  } catch (const std::exception&) {
    return current_failure("rank 1");
  }
}

template <typename Error>
bool holds(const Failure& failure) {
  try {
    std::rethrow_exception(failure.error);
  } catch (const Error&) {
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

TEST(Failure, OfMemoryIsTheMachines) {
  EXPECT_TRUE(holds<MachineError>(failure_by(std::bad_alloc())));
  const Failure of_primitive = failure_by(std::runtime_error("could not create a primitive"));
  EXPECT_TRUE(holds<MachineError>(of_primitive));
  EXPECT_THAT(of_primitive.words, AllOf(HasSubstr("rank 1 failed: could not"), HasSubstr("lower --batch-size")));
}

TEST(Failure, ToStartAThreadIsTheMachines) {
  const Failure failure =
      failure_by(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)));
  EXPECT_TRUE(holds<MachineError>(failure));
  EXPECT_THAT(failure.words, AllOf(HasSubstr("no further thread can be started"), HasSubstr("ulimit -u")));
  const auto other = std::make_error_code(std::errc::permission_denied);
  EXPECT_TRUE(holds<TrainingError>(failure_by(std::system_error(other))));
}

TEST(Failure, OfAnotherKindIsOfTraining) {
  EXPECT_TRUE(holds<TrainingError>(failure_by(std::runtime_error("something else"))));
  EXPECT_TRUE(holds<DataError>(failure_by(DataError("a file is broken", "mend it"))));
}

}  // namespace
}  // namespace lockstep::parallel::failure_test
