#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lockstep/media/draw.h"
#include "lockstep/tasks/fewshot/example_folder.h"
#include "lockstep/tasks/fewshot/model.h"
#include "lockstep/tasks/fewshot/picture_set.h"

namespace lockstep::tasks::fewshot {

/// A trained network that looks for classes in pictures (PictureSet) after it was shown examples of them.
class PictureSearch : public FewShotModel {
 public:
  /// The weights are then to be loaded.
  explicit PictureSearch(const Options& options) : FewShotModel(options, {}, std::nullopt), options_(options) {}

  /// Normalises: afterwards pictures are (batch, 3, height, width) float32.
  void prepare(DeviceBatch& batch) override;

  /// What the classes look like, to be given to `find`. Called in evaluation mode.
  models::Prototypes look_at(std::span<const ShownClass> classes, c10::Device device);

  /// What is found on each picture of a prepared batch, in pixels of the upright picture, the surest first; images are
  /// the numbers of `set`, categories those of the classes. Called in evaluation mode.
  std::vector<metrics::Detection> find(const DeviceBatch& batch, const PictureSet& set,
                                       const models::Prototypes& prototypes, double score_threshold);

 private:
  Options options_;
};

/// Writes what was found: `drawn/NAME.jpg`, and together predictions.json (COCO's result format), pictures.json (COCO's
/// format of a dataset without annotations: what the ids mean) and contact_sheet.png.
class FoundWriter {
 public:
  /// Creates the folders. Throws MachineError where they cannot be written.
  FoundWriter(std::filesystem::path folder, std::vector<ShownClass> classes, double drawn_score);

  /// Draws what was found on a picture, and gives its row of the contact sheet: the picture, what was found, and
  /// examples of the classes that it is of. Several threads may write.
  media::SheetRow draw(const data::BoxedImage& picture, std::span<const metrics::Detection> found) const;

  /// `found`: of all pictures, in their order.
  void write_predictions(std::span<const data::BoxedImage> pictures, std::span<const metrics::Detection> found) const;
  void write_contact_sheet(const std::vector<media::SheetRow>& rows) const;

  std::filesystem::path predictions() const { return folder_ / "predictions.json"; }
  std::filesystem::path pictures() const { return folder_ / "pictures.json"; }
  std::filesystem::path contact_sheet() const { return folder_ / "contact_sheet.png"; }

 private:
  std::filesystem::path folder_;
  std::vector<ShownClass> classes_;
  double drawn_score_;
  std::vector<media::Image> examples_;  ///< one a class
};

}  // namespace lockstep::tasks::fewshot
