#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "images/digest.h"
#include "images/store.h"
#include "sys/fd.h"

namespace berth::images {

/// A complete blob that is not in its place yet: a temporary file, removed with this unless it has been placed.
class SpooledBlob {
 public:
  SpooledBlob(std::string temporary, Digest digest, uint64_t size)
      : temporary_(std::move(temporary)), digest_(std::move(digest)), size_(size) {}
  SpooledBlob(SpooledBlob&& other) noexcept;
  SpooledBlob& operator=(SpooledBlob&&) = delete;
  ~SpooledBlob();

  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  /// Where its bytes are, before and after place().
  [[nodiscard]] std::string path(const Store& store) const {
    return temporary_.empty() ? store.blob_path(digest_) : temporary_;
  }
  /// Puts it under its digest; Ok if it is there already.
  [[nodiscard]] Status place(const Store& store);

 private:
  std::string temporary_;  // empty: in its place
  Digest digest_;
  uint64_t size_;
};

/// A blob of any size on its way into the store: hashed while it is written to a temporary file, and in its place only
/// when it is complete. Destroyed before commit(): nothing stays.
class BlobWriter {
 public:
  [[nodiscard]] static Result<BlobWriter> begin(const Store& store, const ImportLease& lease);
  BlobWriter(BlobWriter&& other) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  [[nodiscard]] Status write(std::string_view bytes);
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] Digest digest() const { return hash_.digest(); }

  /// Puts the blob in its place. Error, and nothing in place: its digest is not `expected`. Not synced:
  /// Store::publish() does that for all of an image at once.
  [[nodiscard]] Result<Digest> commit(const std::optional<Digest>& expected = std::nullopt);
  /// Closes the file and leaves its place for later. The writer is of no use afterwards.
  [[nodiscard]] SpooledBlob spool();

 private:
  BlobWriter(const Store& store, std::string temporary, sys::UniqueFd fd)
      : store_(&store), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  const Store* store_;
  std::string temporary_;  // empty: nothing to remove
  sys::UniqueFd fd_;
  Sha256 hash_;
  uint64_t size_ = 0;
  uint64_t flushed_ = 0;
};

/// The error for content that is not what its digest says.
[[nodiscard]] Error digest_mismatch(const std::string& what, const Digest& expected, const Digest& found);

}  // namespace berth::images
