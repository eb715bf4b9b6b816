#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "images/layer_unpack.h"

namespace berth::images {

enum class Compression { none, gzip, zstd, xz, bzip2 };

/// Whether a layer of an OCI image may have it. What comes with another one is stored plain.
[[nodiscard]] constexpr bool is_for_layers(Compression compression) {
  return compression != Compression::xz && compression != Compression::bzip2;
}

/// How many bytes detect_compression wants to see.
inline constexpr size_t kMagicLength = 6;

/// By the first bytes, never by a media type or a file name.
[[nodiscard]] Compression detect_compression(std::string_view beginning);

/// The plain bytes of a stream that may be compressed, whatever the compression. Several members or frames after each
/// other are one stream, as gzip and zstd define it; skippable zstd frames are passed over. read(): the next bytes,
/// valid until the next call; empty at the end. Error: the stream is damaged or cut short.
class Decompressor {
 public:
  explicit Decompressor(ReadBlob source);
  Decompressor(Decompressor&&) noexcept;
  ~Decompressor();

  [[nodiscard]] Result<std::string_view> read();
  /// Known after the first read().
  [[nodiscard]] Compression compression() const;
  /// Bytes taken from the source so far.
  [[nodiscard]] uint64_t consumed() const;

  struct Codec;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace berth::images
