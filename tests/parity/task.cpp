#include "tests/parity/task.h"

#include <algorithm>

namespace lockstep::parity {
namespace {

constexpr std::uint64_t kEvaluationSamples = 8;
enum FieldIndex : std::size_t { kImage = 0, kLabel = 1 };

/// Drawn once, so that to load a sample is to copy it.
class Images : public data::Dataset {
 public:
  Images(const TaskOptions& options, std::size_t size)
      : layout_(
            {{"image", data::DType::kFloat32, {3, options.side, options.side}}, {"label", data::DType::kInt64, {}}}) {
    const std::size_t values = layout_[kImage].bytes() / sizeof(float);
    for (std::size_t index = 0; index < size; ++index) {
      RandomStream random({options.seed, Purpose::kAugment, 0, index, 0});
      labels_.push_back(static_cast<std::int64_t>(random.below(kClasses)));
      RandomStream pattern({options.seed, Purpose::kAugment, 1, static_cast<std::uint64_t>(labels_.back()), 0});
      for (std::size_t i = 0; i < values; ++i) {
        values_.push_back(static_cast<float>(random.normal() + 0.5 * pattern.normal()));
      }
    }
  }

  std::size_t size() const override { return labels_.size(); }
  const std::vector<data::Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return "image " + std::to_string(index); }

  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    const std::span<float> image = slot.field<float>(kImage);
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(draw.index * image.size()), image.size(), image.begin());
    slot.field<std::int64_t>(kLabel)[0] = labels_[draw.index];
  }

 private:
  std::vector<data::Field> layout_;
  std::vector<float> values_;  ///< (samples, 3, side, side)
  std::vector<std::int64_t> labels_;
};

class Classifier : public tasks::Model {
 public:
  explicit Classifier(std::shared_ptr<Network> network) : network_(std::move(network)) {}

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return "backbone."; }

  /// Each module of the backbone is a part.
  std::vector<std::string> backbone_stages() const override {
    std::vector<std::string> parts;
    for (const auto& module : network_->named_children()["backbone"]->named_children()) {
      parts.insert(parts.begin(), backbone_prefix() + module.key() + ".");
    }
    return parts;
  }

  at::Tensor losses(const tasks::DeviceBatch& batch) override {
    return at::cross_entropy_loss(network_->forward(batch.fields[kImage]), batch.fields[kLabel], {},
                                  at::Reduction::None);
  }

  std::vector<tasks::Record> score(const tasks::DeviceBatch& batch) override {
    const at::Tensor likelihoods = losses(batch).to(at::kDouble).neg().exp();  // (batch)
    std::vector<tasks::Record> records;
    for (std::int64_t i = 0; i < likelihoods.size(0); ++i) {
      records.push_back({likelihoods[i].item<double>()});
    }
    return records;
  }

  std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }

 private:
  std::shared_ptr<Network> network_;
};

class Classification : public tasks::Task {
 public:
  explicit Classification(const TaskOptions& options)
      : options_(options), training_set_(options, options.samples), evaluation_set_(options, kEvaluationSamples) {}

  std::string name() const override { return "classification"; }
  const data::Dataset& training_set() const override { return training_set_; }
  const data::Dataset& evaluation_set() const override { return evaluation_set_; }

  std::unique_ptr<tasks::Model> make_model(std::optional<std::uint64_t> seed) const override {
    return std::make_unique<Classifier>(make_network(options_.network, kClasses, seed.value_or(0)));
  }

  std::map<std::string, double> summarise(std::span<const tasks::Record> records) const override {
    double sum = 0;
    for (const tasks::Record& record : records) {
      sum += record.at(0);
    }
    return {{best_metric(), sum / static_cast<double>(records.size())}};
  }

  std::string best_metric() const override { return "likelihood"; }

 private:
  TaskOptions options_;
  Images training_set_;
  Images evaluation_set_;
};

}  // namespace

std::unique_ptr<tasks::Task> make_task(const TaskOptions& options) { return std::make_unique<Classification>(options); }

Samples all_samples(const data::Dataset& set) {
  std::vector<data::Draw> draws(set.size());
  for (std::size_t i = 0; i < draws.size(); ++i) {
    draws[i].index = i;
  }
  data::Batch batch = data::load_batch(set, draws);
  std::vector<std::int64_t> shape = set.layout()[kImage].shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(set.size()));
  return {at::from_blob(batch.fields[kImage].data(), shape, at::kFloat).clone(),
          at::from_blob(batch.fields[kLabel].data(), {shape[0]}, at::kLong).clone()};
}

}  // namespace lockstep::parity
