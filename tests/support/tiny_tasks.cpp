#include "tests/support/tiny_tasks.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"

namespace lockstep::test {
namespace {

/// What both tasks share: sets of a given size whose samples are made of random numbers, and planted faults.
class SyntheticSet : public data::Dataset {
 public:
  SyntheticSet(std::string prefix, const TinyTaskOptions& options, bool training)
      : prefix_(std::move(prefix)),
        size_(training ? options.training_samples : options.evaluation_samples),
        training_(training),
        load_fault_(training ? options.load_fault : options.evaluation_load_fault) {}

  std::size_t size() const override { return size_; }
  std::string name(std::size_t index) const override { return text(prefix_, index); }

 protected:
  /// A sample of the evaluation set is the same in every epoch.
  RandomStream stream_of(const data::Draw& draw) const {
    constexpr std::uint64_t kEvaluationSeed = 99;
    load_fault_(draw);
    return training_ ? draw.augmentation() : RandomStream({kEvaluationSeed, Purpose::kAugment, 0, draw.index, 0});
  }

 private:
  std::string prefix_;
  std::size_t size_;
  bool training_;
  std::function<double(const data::Draw&)> load_fault_;
};

template <typename Set, typename Model>
class SyntheticTask : public tasks::Task {
 public:
  SyntheticTask(std::string name, std::string metric, TinyTaskOptions options)
      : name_(std::move(name)),
        metric_(std::move(metric)),
        options_(std::move(options)),
        training_set_(options_, true),
        evaluation_set_(options_, false) {}

  std::string name() const override { return name_; }
  const data::Dataset& training_set() const override { return training_set_; }
  const data::Dataset& evaluation_set() const override { return evaluation_set_; }
  std::unique_ptr<tasks::Model> make_model(std::optional<std::uint64_t> seed) const override {
    return std::make_unique<Model>(options_, seed);
  }
  std::string best_metric() const override { return metric_; }

  /// A record is (what counts for the answer, what there was to count, any number): the metric is the first over the
  /// second, beside the mean of the third.
  std::map<std::string, double> summarise(std::span<const tasks::Record> records) const override {
    double hits = 0;
    double total = 0;
    double sum = 0;
    for (const tasks::Record& record : records) {
      hits += record.at(0);
      total += record.at(1);
      sum += record.at(2);
    }
    return {{metric_, options_.claimed_metric(hits / total)}, {"error", sum / static_cast<double>(records.size())}};
  }

 private:
  std::string name_;
  std::string metric_;
  TinyTaskOptions options_;
  Set training_set_;
  Set evaluation_set_;
};

/// The identity, with a gradient that is multiplied by a slope.
class Sloped : public torch::autograd::Function<Sloped> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& values,
                            const at::Tensor& slopes) {
    context->save_for_backward({slopes});
    return values.clone();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {gradients[0] * context->get_saved_variables()[0], at::Tensor()};
  }
};

template <typename Network>
class SyntheticModel : public tasks::Model {
 public:
  SyntheticModel(const TinyTaskOptions& options, std::optional<std::uint64_t> seed)
      : network_(std::make_shared<Network>(options)),
        disturbance_(options.disturbance),
        most_samples_(options.most_samples),
        gradient_fault_(options.gradient_fault),
        backbone_prefix_(options.has_backbone ? Network::kBackbone : "") {
    if (seed) {
      nn::initialise(*network_, *seed);
    }
  }

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return backbone_prefix_; }

  std::vector<std::pair<std::string, double>> take_statistics() override {
    return {{"samples", std::exchange(samples_, 0)}};
  }
  void remember_statistics() override { remembered_samples_ = samples_; }
  void restore_statistics() override { samples_ = remembered_samples_; }

 protected:
  Network& net() const { return *network_; }

  void take_memory(const tasks::DeviceBatch& batch) const {
    if (batch.host.size() > most_samples_) {
      throw std::bad_alloc();
    }
  }

  /// (batch) float32
  at::Tensor disturbed(const at::Tensor& losses, const tasks::DeviceBatch& batch) {
    samples_ += static_cast<double>(batch.host.size());
    take_memory(batch);
    std::vector<float> added;
    std::vector<float> slopes;
    for (const data::Draw& draw : batch.host.draws) {
      added.push_back(static_cast<float>(disturbance_(draw)));
      slopes.push_back(gradient_fault_(draw) ? std::numeric_limits<float>::infinity() : 1.0F);
    }
    return Sloped::apply(losses.to(at::kFloat), torch::tensor(slopes)) + torch::tensor(added);
  }

 private:
  std::shared_ptr<Network> network_;
  std::function<double(const data::Draw&)> disturbance_;
  std::size_t most_samples_;
  std::function<bool(const data::Draw&)> gradient_fault_;
  std::string backbone_prefix_;
  double samples_ = 0;  ///< that were trained on, since the statistics were taken
  double remembered_samples_ = 0;
};

// ---- Patches of volumes ----

constexpr std::int64_t kDepth = 6;
constexpr std::int64_t kSide = 8;

class PatchSet : public SyntheticSet {
 public:
  PatchSet(const TinyTaskOptions& options, bool training) : SyntheticSet("patch-", options, training) {
    for (std::size_t volume = 0; volume < volumes_.size(); ++volume) {
      RandomStream noise({volume, Purpose::kWeights, 0, 0, 0});
      for (std::uint8_t& voxel : volumes_[volume]) {
        voxel = static_cast<std::uint8_t>(noise.below(60));
      }
    }
  }

  const std::vector<data::Field>& layout() const override {
    static const std::vector<data::Field> fields = {{"volume", data::DType::kUInt8, {kDepth, kSide, kSide}},
                                                    {"label", data::DType::kUInt8, {kDepth, kSide, kSide}}};
    return fields;
  }

  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    RandomStream random = stream_of(draw);
    const Volume& volume = volumes_[draw.index % volumes_.size()];
    const auto z0 = static_cast<std::int64_t>(random.below(kVolumeSide - kDepth + 1));
    const auto y0 = static_cast<std::int64_t>(random.below(kVolumeSide - kSide + 1));
    const auto x0 = static_cast<std::int64_t>(random.below(kVolumeSide - kSide + 1));
    auto voxel = slot.field<std::uint8_t>(0).begin();
    auto label = slot.field<std::uint8_t>(1).begin();
    for (std::int64_t z = z0; z < z0 + kDepth; ++z) {
      for (std::int64_t y = y0; y < y0 + kSide; ++y) {
        for (std::int64_t x = x0; x < x0 + kSide; ++x) {
          const auto place = static_cast<std::size_t>((z * kVolumeSide + y) * kVolumeSide + x);
          const bool inside = from_centre(x) + from_centre(y) + from_centre(z) < kRadius * kRadius;
          *voxel++ = static_cast<std::uint8_t>(volume[place] + (inside ? 120 : 40));
          *label++ = inside ? 1 : 0;
        }
      }
    }
  }

 private:
  static constexpr std::int64_t kVolumeSide = 14;
  static constexpr std::int64_t kRadius = 5;

  /// The squared distance along one axis.
  static std::int64_t from_centre(std::int64_t place) { return (place - kVolumeSide / 2) * (place - kVolumeSide / 2); }

  using Volume = std::array<std::uint8_t, kVolumeSide * kVolumeSide * kVolumeSide>;
  std::array<Volume, 2> volumes_;
};

class PatchNetwork : public torch::nn::Module {
 public:
  static constexpr const char* kBackbone = "first.";

  explicit PatchNetwork(const TinyTaskOptions& options)
      : dropout_(std::make_shared<nn::ChannelDropout>(options.dropout, 0)) {
    register_module("first", first_);
    if (options.batch_norm) {
      norm_->push_back(torch::nn::BatchNorm3d(4));
    } else {
      norm_->push_back(torch::nn::GroupNorm(2, 4));
    }
    register_module("norm", norm_);
    register_module("last", last_);
    register_module("dropout", dropout_);
    register_parameter("spare", torch::ones({3, 3}));
  }

  /// (batch, depth, height, width) uint8 to logits of the same shape.
  at::Tensor forward(const at::Tensor& voxels) {
    const at::Tensor features =
        first_(voxels.unsqueeze(1).to(at::kFloat).div(255));  // (batch, 4, depth, height, width)
    return last_(dropout_->forward(at::gelu(norm_->forward(features)))).squeeze(1);
  }

 private:
  torch::nn::Conv3d first_{torch::nn::Conv3dOptions(1, 4, 3).padding(1).bias(false)};
  torch::nn::Sequential norm_;
  torch::nn::Conv3d last_{torch::nn::Conv3dOptions(4, 1, 1)};
  std::shared_ptr<nn::ChannelDropout> dropout_;
};

class PatchModel : public SyntheticModel<PatchNetwork> {
 public:
  using SyntheticModel::SyntheticModel;

  at::Tensor losses(const tasks::DeviceBatch& batch) override {
    const at::Tensor each = at::binary_cross_entropy_with_logits(
        net().forward(batch.fields[0]), batch.fields[1].to(at::kFloat), {}, {}, at::Reduction::None);
    return disturbed(each.mean({1, 2, 3}), batch);
  }

  std::vector<tasks::Record> score(const tasks::DeviceBatch& batch) override {
    take_memory(batch);
    const at::Tensor probability = net().forward(batch.fields[0]).sigmoid();
    const at::Tensor found = probability > 0.5;
    const at::Tensor truth = batch.fields[1] > 0;
    const at::Tensor error = (probability - truth.to(at::kFloat)).abs();
    std::vector<tasks::Record> records;
    for (std::int64_t i = 0; i < probability.size(0); ++i) {
      records.push_back({2 * (found[i] & truth[i]).sum().item<double>(),
                         found[i].sum().item<double>() + truth[i].sum().item<double>(),
                         error[i].mean().item<double>()});
    }
    return records;
  }

  std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }
};

// ---- Episodes ----

constexpr std::int64_t kWays = 3;
constexpr std::int64_t kShots = 2;
constexpr std::int64_t kQueries = 4;
constexpr std::int64_t kFeatures = 8;
constexpr std::int64_t kEmbedding = 16;

class EpisodeSet : public SyntheticSet {
 public:
  EpisodeSet(const TinyTaskOptions& options, bool training) : SyntheticSet("episode-", options, training) {}

  const std::vector<data::Field>& layout() const override {
    static const std::vector<data::Field> fields = {{"support", data::DType::kFloat32, {kWays * kShots, kFeatures}},
                                                    {"query", data::DType::kFloat32, {kQueries, kFeatures}},
                                                    {"class", data::DType::kInt64, {kQueries}}};
    return fields;
  }

  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    RandomStream random = stream_of(draw);
    std::array<std::array<double, kFeatures>, kWays> centres;
    for (auto& centre : centres) {
      std::ranges::generate(centre, [&] { return random.normal(); });
    }
    auto support = slot.field<float>(0).begin();
    for (std::int64_t item = 0; item < kWays * kShots; ++item) {
      write_near(centres[static_cast<std::size_t>(item / kShots)], random, support);
    }
    auto query = slot.field<float>(1).begin();
    for (std::int64_t& label : slot.field<std::int64_t>(2)) {
      label = static_cast<std::int64_t>(random.below(kWays));
      write_near(centres[static_cast<std::size_t>(label)], random, query);
    }
    slot.ragged->push_back(boxes(random));
  }

 private:
  template <typename Place>
  static void write_near(const std::array<double, kFeatures>& centre, RandomStream& random, Place& place) {
    for (const double value : centre) {
      *place++ = static_cast<float>(value + 0.3 * random.normal());
    }
  }

  /// One to four boxes: (boxes, 4) float32.
  static data::RaggedArray boxes(RandomStream& random) {
    const auto count = static_cast<std::int64_t>(1 + random.below(4));
    std::vector<float> corners(static_cast<std::size_t>(count * 4));
    std::ranges::generate(corners, [&] { return static_cast<float>(random.uniform()); });
    const auto bytes = std::as_bytes(std::span(corners));
    return {data::DType::kFloat32, {count, 4}, {bytes.begin(), bytes.end()}};
  }
};

class EpisodeNetwork : public torch::nn::Module {
 public:
  static constexpr const char* kBackbone = "embed.";

  explicit EpisodeNetwork(const TinyTaskOptions& options)
      : dropout_(std::make_shared<nn::ChannelDropout>(options.dropout, 0)) {
    register_module("embed", embed_);
    register_module("project", project_);
    register_module("box", box_);
    register_module("dropout", dropout_);
  }

  /// (episodes, items, features) to (episodes, items, embedding).
  at::Tensor embed(const at::Tensor& items) {
    const at::Tensor hidden = at::gelu(embed_(items)).transpose(1, 2);  // (episodes, embedding, items)
    return project_(dropout_->forward(hidden).transpose(1, 2));
  }

  /// (episodes, queries, classes): how near each query is to the mean of each class's examples.
  at::Tensor logits(const tasks::DeviceBatch& batch) {
    const at::Tensor examples = embed(batch.fields[0]).view({-1, kWays, kShots, kEmbedding});
    return -at::cdist(embed(batch.fields[1]), examples.mean(2)).square();
  }

  /// (episodes, 4)
  at::Tensor box(const tasks::DeviceBatch& batch) { return box_(embed(batch.fields[1]).mean(1)); }

 private:
  torch::nn::Linear embed_{kFeatures, kEmbedding};
  torch::nn::Linear project_{kEmbedding, kEmbedding};
  torch::nn::Linear box_{kEmbedding, 4};
  std::shared_ptr<nn::ChannelDropout> dropout_;
};

class EpisodeModel : public SyntheticModel<EpisodeNetwork> {
 public:
  using SyntheticModel::SyntheticModel;

  at::Tensor losses(const tasks::DeviceBatch& batch) override {
    const at::Tensor chosen = net().logits(batch).log_softmax(2).gather(2, batch.fields[2].unsqueeze(2));
    return disturbed(box_losses(batch) - chosen.mean({1, 2}), batch);
  }

  std::vector<tasks::Record> score(const tasks::DeviceBatch& batch) override {
    take_memory(batch);
    const at::Tensor right = net().logits(batch).argmax(2) == batch.fields[2];
    const at::Tensor errors = box_losses(batch);
    std::vector<tasks::Record> records;
    for (std::int64_t i = 0; i < right.size(0); ++i) {
      records.push_back({right[i].sum().item<double>(), kQueries, errors[i].item<double>()});
    }
    return records;
  }

  std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }

 private:
  /// The mean distance to the boxes of each episode: (episodes)
  at::Tensor box_losses(const tasks::DeviceBatch& batch) {
    const at::Tensor box = net().box(batch);
    std::vector<at::Tensor> losses;
    for (std::size_t i = 0; i < batch.host.size(); ++i) {
      const data::RaggedArray& array = batch.host.ragged[i].at(0);
      const at::Tensor boxes = at::from_blob(const_cast<std::byte*>(array.bytes.data()), array.shape, at::kFloat);
      losses.push_back((box[static_cast<std::int64_t>(i)] - boxes).abs().mean());
    }
    return at::stack(losses);
  }
};

}  // namespace

std::unique_ptr<tasks::Task> make_patch_task(TinyTaskOptions options) {
  return std::make_unique<SyntheticTask<PatchSet, PatchModel>>("patches", "dice", std::move(options));
}

std::unique_ptr<tasks::Task> make_episode_task(TinyTaskOptions options) {
  return std::make_unique<SyntheticTask<EpisodeSet, EpisodeModel>>("episodes", "accuracy", std::move(options));
}

std::unique_ptr<tasks::Task> make_tiny_task(const std::string& name, TinyTaskOptions options) {
  LOCKSTEP_ASSERT(name == "patches" || name == "episodes", "no such tiny task");
  return name == "patches" ? make_patch_task(std::move(options)) : make_episode_task(std::move(options));
}

}  // namespace lockstep::test
