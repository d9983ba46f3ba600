#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace lockstep::media {

/// Decodes the Huffman codes (or what else holds the coefficients) of a JPEG with libjpeg and nothing further: no
/// transform, no pixels. Every program that leaves them to libjpeg must do this much for the whole file, so it is what
/// the speed of loading is measured against. Throws DataError.
void decode_huffman_alone(std::span<const std::byte> bytes, const std::string& name);

}  // namespace lockstep::media
