#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/media/draw.h"
#include "lockstep/tasks/camouflage/model.h"

namespace lockstep::tasks::camouflage {

/// Writes what the network makes of images: `masks/NAME.png` at each image's own size, `overlays/NAME.jpg`, and
/// contact_sheet.png with the first of them.
class PredictionWriter {
 public:
  /// Creates the folders. Throws MachineError where they cannot be written.
  explicit PredictionWriter(std::filesystem::path folder);

  /// Writes mask and overlay of the image in `path`, and gives the row of the contact sheet. Several threads may write.
  media::SheetRow write(const std::filesystem::path& path, const at::Tensor& probability) const;

  void write_contact_sheet(const std::vector<media::SheetRow>& rows) const;

  std::filesystem::path contact_sheet() const { return folder_ / "contact_sheet.png"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace lockstep::tasks::camouflage
