#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/checkpoint/core/pickle.h"
#include "lockstep/media/zip_reader.h"

namespace lockstep::checkpoint {

/// A file of torch.save (PyTorch 1.6 or newer): a ZIP archive of a pickle, which names tensors, and their numbers. Of
/// the pickle nothing is run, so a file from a stranger is safe to open.
class TorchArchive {
 public:
  /// Finds the weights in it: the table of tensors itself, or the one under a name that training scripts give it, an
  /// average before the raw weights. Throws DataError, naming the file, for what PyTorch would not have written, what
  /// is no table of weights, and a pickle that names anything else.
  explicit TorchArchive(const std::filesystem::path& path);

  /// The same of a file in memory, which must stay there; `name` is for the messages.
  TorchArchive(std::span<const std::byte> bytes, const std::string& name);

  /// By name, and sorted by it. What they are views of is in the file, with the length that they say.
  const std::vector<std::pair<std::string, StoredTensor>>& tensors() const { return tensors_; }

  /// The names under which they lie, such as "model_ema"; empty where the file is a table of tensors.
  const std::string& part() const { return part_; }

  /// The number that stands beside them as "epoch".
  std::optional<std::int64_t> epoch() const { return epoch_; }

  /// Reads numbers of one of the tensors, into memory of their size. Throws DataError where the file is damaged there.
  void read(const StoredNumbers& numbers, std::span<std::byte> into) const;

 private:
  void find_weights();
  void collect_tensors(const PickleTable& table);
  void check_numbers() const;
  std::string entry_of(const StoredNumbers& numbers) const;

  std::string source_;
  media::ZipReader zip_;
  std::string prefix_;  ///< "archive/", before the names of all entries
  std::vector<std::byte> pickle_bytes_;
  std::optional<Pickle> pickle_;
  std::vector<std::pair<std::string, StoredTensor>> tensors_;
  std::string part_;
  std::optional<std::int64_t> epoch_;
};

}  // namespace lockstep::checkpoint
