#include "lockstep/tasks/surface/sliding_window.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <string>

#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/parallel/launch.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::surface::sliding_window_test {
namespace {

using models::Extent;

/// Windows of a tensor, zeros outside.
SlidingWindow::Read windows_of_tensor(const at::Tensor& volume) {
  return [volume](const Extent& origin, const at::Tensor& window) {
    window.zero_();
    at::Tensor from = volume;
    at::Tensor to = window;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const std::int64_t start = origin[static_cast<std::size_t>(axis)];
      const std::int64_t first = std::max<std::int64_t>(start, 0);
      const std::int64_t count = std::min(start + window.size(axis), volume.size(axis)) - first;
      from = from.narrow(axis, first, count);
      to = to.narrow(axis, first - start, count);
    }
    to.copy_(from);
  };
}

/// Puts what is taken together, and checks that it comes in order.
at::Tensor answer_of(const SlidingWindow& windows, const at::Tensor& volume, const SlidingWindow::Look& look,
                     const WindowShare& share = {}) {
  at::Tensor result = at::full_like(volume, -1);
  std::int64_t next = 0;
  windows.run(at::kCPU, share, windows_of_tensor(volume), look, [&](std::int64_t z, const at::Tensor& slices) {
    EXPECT_EQ(z, next);
    next = z + slices.size(0);
    result.narrow(0, z, slices.size(0)).copy_(slices);
  });
  EXPECT_EQ(next, share.worker == 0 ? volume.size(0) : 0);
  return result;
}

struct WindowCase {
  Extent volume;
  Extent window;
  double overlap;
};

std::string with_commas(const Extent& extent) { return text(extent[0], ",", extent[1], ",", extent[2]); }

/// Even and odd sizes, no overlap, a volume smaller than the window, many windows over the same place.
const std::vector<WindowCase> kCases{{{16, 32, 32}, {8, 16, 16}, 0.5},
                                     {{21, 37, 50}, {8, 16, 15}, 0.25},
                                     {{20, 33, 20}, {9, 16, 16}, 0},
                                     {{5, 20, 9}, {8, 16, 16}, 0.5},
                                     {{12, 20, 20}, {6, 8, 8}, 0.8}};

TEST(SlidingWindow, EqualsMonaiOnAnyNumberOfRanks) {
  if (!test::python_has({"monai", "safetensors"})) {
    GTEST_SKIP() << "needs MONAI";
  }
  const test::TempFolder folder;
  std::vector<std::string> words{folder.path()};
  for (const WindowCase& one : kCases) {
    words.push_back(text(with_commas(one.volume), ":", with_commas(one.window), ":", one.overlap));
  }
  const auto run = test::run_python("tests/tasks/sliding_window_reference.py", words);
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto stored = checkpoint::read_safetensors(folder / "values.safetensors");
  const std::map<std::string, at::Tensor> values(stored.tensors.begin(), stored.tensors.end());
  const auto look = [&](const at::Tensor& windows) {
    return at::conv3d(windows.unsqueeze(1), values.at("weight"), values.at("bias"), 1, 2).squeeze(1).sigmoid();
  };
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    const SlidingWindow windows(kCases[i].volume, {kCases[i].window, kCases[i].overlap, 3});
    for (const std::size_t ranks : {1, 2, 3}) {
      parallel::launch(std::vector<c10::Device>(ranks, c10::kCPU), {}, [&](parallel::Rank& rank) {
        const WindowShare share{rank.index, rank.world_size,
                                [&](const at::Tensor& tensor) { rank.group.all_reduce(tensor); }};
        const at::Tensor result = answer_of(windows, values.at(text("volume.", i)), look, share);
        if (rank.is_first()) {
          EXPECT_LE((result - values.at(text("result.", i))).abs().max().item<double>(), 1e-5)
              << "case " << i << ", " << ranks << " ranks";
        }
      });
    }
  }
}

TEST(SlidingWindow, PlacesTheLastWindowAtTheEnd) {
  EXPECT_EQ(window_starts(10, 4, 0.5), (std::vector<std::int64_t>{0, 2, 4, 6}));
  EXPECT_EQ(window_starts(11, 4, 0.5), (std::vector<std::int64_t>{0, 2, 4, 6, 7}));
  EXPECT_EQ(window_starts(4, 4, 0.5), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(window_starts(6, 4, 0.9), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(SlidingWindow, LooksAtEachWindowOnceInBatches) {
  const SlidingWindow windows({20, 33, 20}, {{8, 16, 16}, 0.5, 4});
  std::int64_t seen = 0;
  const auto look = [&](const at::Tensor& batch) {
    EXPECT_LE(batch.size(0), 4);
    seen += batch.size(0);
    return at::ones_like(batch);
  };
  const at::Tensor answer = answer_of(windows, at::zeros({20, 33, 20}), look);
  EXPECT_EQ(seen, windows.window_count());
  EXPECT_LE((answer - 1).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace lockstep::tasks::surface::sliding_window_test
