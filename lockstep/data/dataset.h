#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/random.h"

namespace lockstep::data {

enum class DType : std::uint8_t { kUInt8, kUInt16, kInt64, kFloat32 };

std::size_t size_of(DType dtype);

/// One of the arrays that a sample consists of, with the shape that it has in every sample.
struct Field {
  std::string name;
  DType dtype = DType::kUInt8;
  std::vector<std::int64_t> shape;

  std::size_t bytes() const;
};

/// An array whose shape differs from sample to sample: a mask at its original size, the boxes of an image.
struct RaggedArray {
  DType dtype = DType::kUInt8;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

/// Which sample is wanted, and the key of everything random about it.
struct Draw {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;  ///< place in the epoch's order
  std::uint64_t index = 0;     ///< which sample of the dataset stands there

  /// The random numbers that decide how this sample is augmented.
  RandomStream augmentation() const { return RandomStream({seed, Purpose::kAugment, epoch, position, 0}); }
};

/// A few spans of bytes, without memory of their own: one is made for every sample.
class FieldSpans {
 public:
  static constexpr std::size_t kMost = 16;  ///< fields that a layout can have

  FieldSpans() = default;
  FieldSpans(std::initializer_list<std::span<std::byte>> spans);

  void push_back(std::span<std::byte> span);

  std::size_t size() const { return count_; }
  std::span<std::byte> operator[](std::size_t index) const { return spans_[index]; }

 private:
  std::array<std::span<std::byte>, kMost> spans_{};
  std::size_t count_ = 0;
};

/// Where one sample of a batch is to be written.
struct SampleSlot {
  FieldSpans fields;                           ///< one a field of the layout, of Field::bytes() bytes
  std::vector<RaggedArray>* ragged = nullptr;  ///< arrays of this sample's own shape, if it has any

  template <typename T>
  std::span<T> field(std::size_t index) const {
    return {reinterpret_cast<T*>(fields[index].data()), fields[index].size() / sizeof(T)};
  }
};

/// Samples that can be loaded by number: photographs with masks, patches of volumes, episodes.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Samples an epoch.
  virtual std::size_t size() const = 0;

  /// The arrays of every sample.
  virtual const std::vector<Field>& layout() const = 0;

  /// What to call a sample in messages, such as its file's name.
  virtual std::string name(std::size_t index) const = 0;

  /// Reads, decodes and augments one sample into its slot. Called by several threads at once. What it writes is a
  /// function of the draw alone. Throws DataError naming the file.
  virtual void load(const Draw& draw, const SampleSlot& slot) const = 0;
};

}  // namespace lockstep::data
