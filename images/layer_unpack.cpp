#include "images/layer_unpack.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "images/decompress.h"
#include "images/layer_tree.h"
#include "images/tar_reader.h"

namespace berth::images {
namespace {

/// The uncompressed tar on its way: hashed, counted and held to its limits.
class TarStream {
 public:
  TarStream(const ReadBlob& blob, const UnpackLimits& limits) : plain_(blob), limits_(limits) {}

  Result<std::string_view> read() {
    BERTH_TRY(std::string_view bytes, plain_.read());
    hash_.update(bytes);
    bytes_ += bytes.size();
    if (bytes_ > limits_.tar_bytes) {
      return make_error(fmt::format("layer is larger than {} bytes unpacked", limits_.tar_bytes));
    }
    bool bomb = bytes_ > limits_.ratio_floor && bytes_ / limits_.ratio > plain_.consumed();
    if (bomb) return make_error(fmt::format("layer unpacks to more than {} times its size", limits_.ratio));
    return bytes;
  }

  [[nodiscard]] Digest digest() const { return hash_.digest(); }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  Decompressor plain_;
  const UnpackLimits& limits_;
  Sha256 hash_;
  uint64_t bytes_ = 0;
};

}  // namespace

ReadBlob read_blob_from(sys::FdRef fd, std::string what) {
  auto buffer = std::make_shared<std::string>(256 * 1024, '\0');
  return [fd, buffer, what = std::move(what)]() -> Result<std::string_view> {
    for (;;) {
      ssize_t n = read(fd.get(), buffer->data(), buffer->size());
      if (n >= 0) return std::string_view(buffer->data(), static_cast<size_t>(n));
      if (errno != EINTR) return sys_error("read " + what, errno);
    }
  };
}

Result<UnpackResult> unpack_layer(const ReadBlob& read, sys::FdRef root, const UnpackOptions& options) {
  TarStream stream(read, options.limits);
  TarReader tar([&] { return stream.read(); });
  LayerTree tree(root, options);
  TarEntry entry;
  uint64_t entries = 0;
  for (;;) {
    BERTH_TRY(bool more, tar.next(entry));
    if (!more) break;
    if (++entries > options.limits.entries) {
      return make_error(fmt::format("layer has more than {} entries", options.limits.entries));
    }
    BERTH_TRY_OK(tree.apply(entry, [&] { return tar.data(); }));
  }
  BERTH_TRY_OK(tree.finish());
  // The digest covers what is behind the end mark, too.
  BERTH_TRY_OK(tar.drain());
  return UnpackResult{stream.digest(), stream.bytes(), entries, tree.take_notes()};
}

Result<UnpackResult> verify_layer(const ReadBlob& read, const UnpackLimits& limits) {
  TarStream stream(read, limits);
  for (;;) {
    BERTH_TRY(std::string_view bytes, stream.read());
    if (bytes.empty()) return UnpackResult{stream.digest(), stream.bytes(), 0, {}};
  }
}

}  // namespace berth::images
