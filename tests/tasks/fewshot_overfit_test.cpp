#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/models/few_shot_detector.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/tasks/fewshot/loss.h"

namespace lockstep::tasks::fewshot_overfit_test {
namespace {

constexpr std::int64_t kWays = 2;
constexpr std::int64_t kShots = 2;
constexpr std::int64_t kQueries = 2;
constexpr std::int64_t kSide = 96;
constexpr std::int64_t kSupportSide = 64;

const std::vector<std::array<float, 3>> kColours{{2, -1, -1}, {-1, 2, -1}, {-1, -1, 2},
                                                 {2, 2, -1},  {-1, 2, 2},  {2, -1, 2}};

struct Episode {
  at::Tensor supports;
  at::Tensor support_boxes;
  at::Tensor queries;
  at::Tensor boxes;
};

/// A dark picture with a little noise.
at::Tensor ground(std::int64_t side, RandomStream& random) {
  at::Tensor picture = at::empty({3, side, side}, at::kFloat);
  float* level = picture.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < picture.numel(); ++i) {
    level[i] = static_cast<float>(random.uniform(-0.6, -0.3));
  }
  return picture;
}

void paint(const at::Tensor& picture, const std::array<std::int64_t, 4>& box, std::size_t colour) {
  const at::Tensor levels = at::tensor(at::ArrayRef<float>(kColours[colour])).view({3, 1, 1});
  picture.slice(1, box[1], box[3]).slice(2, box[0], box[2]).copy_(levels);
}

at::Tensor row_of(const std::array<std::int64_t, 4>& box) {
  return at::tensor(at::ArrayRef<std::int64_t>(box)).to(at::kFloat);
}

/// Squares in the colours of two classes, and one of a third colour, on every query.
Episode make_episode(std::uint64_t number) {
  RandomStream random({3, Purpose::kSelection, number, 0, 0});
  std::vector<std::size_t> colours(kColours.size());
  std::iota(colours.begin(), colours.end(), 0U);
  for (std::size_t i = colours.size(); i > 1; --i) {
    std::swap(colours[i - 1], colours[random.below(i)]);
  }
  std::vector<at::Tensor> supports;
  std::vector<at::Tensor> support_boxes;
  for (std::int64_t i = 0; i < kWays * kShots; ++i) {
    const std::int64_t x = 12 + static_cast<std::int64_t>(random.below(8));
    const std::array<std::int64_t, 4> box{x, 14, x + 32, 46};
    supports.push_back(ground(kSupportSide, random));
    paint(supports.back(), box, colours[static_cast<std::size_t>(i / kShots)]);
    support_boxes.push_back(row_of(box));
  }
  std::vector<at::Tensor> queries;
  std::vector<at::Tensor> boxes;
  for (std::int64_t query = 0; query < kQueries; ++query) {
    queries.push_back(ground(kSide, random));
    for (std::int64_t object = 0; object <= kWays; ++object) {
      const auto size = static_cast<std::int64_t>(18 + random.below(12));
      const auto x = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kSide - size)));
      const auto y = 32 * object + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(32 - size + 1)));
      const std::array<std::int64_t, 4> box{x, y, x + size, y + size};
      paint(queries.back(), box, colours[static_cast<std::size_t>(object)]);
      const auto way = static_cast<float>(object < kWays ? object : -1);
      boxes.push_back(at::cat({at::full({1}, query, at::kFloat), row_of(box), at::full({1}, way, at::kFloat)}));
    }
  }
  return {at::stack(supports), at::stack(support_boxes), at::stack(queries), at::stack(boxes)};
}

/// The share of objects of the episode's classes that the surest box of their class in their query shows.
double share_found(models::FewShotDetector& network, std::uint64_t first, std::uint64_t count) {
  std::int64_t found = 0;
  network.eval();
  for (std::uint64_t number = first; number < first + count; ++number) {
    const at::NoGradGuard no_gradient;
    const Episode episode = make_episode(number);
    const models::Prototypes prototypes = network.prototypes(episode.supports, episode.support_boxes, kWays);
    const auto detections = network.detect(episode.queries, prototypes, {});
    for (std::int64_t i = 0; i < episode.boxes.size(0); ++i) {
      const auto way = episode.boxes[i][5].item<std::int64_t>();
      const auto& of_query = detections[static_cast<std::size_t>(episode.boxes[i][0].item<std::int64_t>())];
      const at::Tensor of_way = (of_query.ways == way).nonzero().squeeze(1);
      if (way >= 0 && of_way.size(0) > 0) {
        const at::Tensor surest = of_query.boxes.index_select(0, of_way.slice(0, 0, 1));
        const at::Tensor truth = episode.boxes[i].slice(0, 1, 5).unsqueeze(0);
        found += nn::pairwise_iou(surest, truth).item<double>() >= 0.5 ? 1 : 0;
      }
    }
  }
  return static_cast<double>(found) / static_cast<double>(count * kQueries * kWays);
}

TEST(FewShotDetector, LearnsToFindWhatTheSupportsShow) {
  models::FewShotDetectorOptions options;
  options.backbone = "edgenext_xx_small";
  options.width = 32;
  options.max_proposals = 20;
  models::FewShotDetector network(options);
  nn::initialise(network, 1);
  constexpr std::uint64_t kHeldOut = 1000;
  const double untrained = share_found(network, kHeldOut, 5);

  network.train();
  torch::optim::AdamW optimizer(network.parameters(), torch::optim::AdamWOptions(2e-3).weight_decay(0.01));
  constexpr std::uint64_t kSteps = 80;
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    const Episode episode = make_episode(step);
    RandomStream random({5, Purpose::kAugment, step, 0, 0});
    const models::Prototypes prototypes = network.prototypes(episode.supports, episode.support_boxes, kWays);
    const models::QueryAnswers answers =
        network.forward(episode.queries, prototypes, fewshot::jittered_boxes(episode.boxes, 2, random));
    optimizer.zero_grad();
    fewshot::episode_loss(answers, episode.boxes, {}).backward();
    torch::nn::utils::clip_grad_norm_(network.parameters(), 5);
    optimizer.step();
  }
  const double trained = share_found(network, kHeldOut, 5);
  EXPECT_LE(untrained, 0.2);
  EXPECT_GE(trained, 0.7);
}

}  // namespace
}  // namespace lockstep::tasks::fewshot_overfit_test
