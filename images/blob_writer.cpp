#include "images/blob_writer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"

namespace berth::images {

Result<BlobWriter> BlobWriter::begin(const Store& store, const ImportLease&) {
  std::string temporary = store.directory() + "/blobs/sha256/.tmp-" + sys::random_hex(8);
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  return BlobWriter(store, std::move(temporary), std::move(fd));
}

BlobWriter::BlobWriter(BlobWriter&& other) noexcept
    : store_(other.store_),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      hash_(std::move(other.hash_)),
      size_(other.size_),
      flushed_(other.flushed_) {}

BlobWriter::~BlobWriter() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status BlobWriter::write(std::string_view bytes) {
  constexpr uint64_t kFlushEvery = 8 << 20;
  hash_.update(bytes);
  BERTH_TRY_OK(sys::write_all(fd_.ref(), bytes).context("store blob"));
  size_ += bytes.size();
  if (size_ - flushed_ >= kFlushEvery) {
    // The disk starts now on what publish() will wait for; an error shows there.
    sync_file_range(fd_.get(), static_cast<off64_t>(flushed_), static_cast<off64_t>(size_ - flushed_),
                    SYNC_FILE_RANGE_WRITE);
    flushed_ = size_;
  }
  return {};
}

Result<Digest> BlobWriter::commit(const std::optional<Digest>& expected) {
  SpooledBlob blob = spool();
  if (expected && *expected != blob.digest()) return digest_mismatch("blob", *expected, blob.digest());
  BERTH_TRY_OK(blob.place(*store_));
  return blob.digest();
}

SpooledBlob BlobWriter::spool() {
  fd_.reset();
  return {std::exchange(temporary_, {}), hash_.digest(), size_};
}

SpooledBlob::SpooledBlob(SpooledBlob&& other) noexcept
    : temporary_(std::exchange(other.temporary_, {})), digest_(other.digest_), size_(other.size_) {}

SpooledBlob::~SpooledBlob() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status SpooledBlob::place(const Store& store) {
  if (temporary_.empty()) return {};
  std::string target = store.blob_path(digest_);
  if (rename(temporary_.c_str(), target.c_str()) != 0) return sys_error("rename to " + target, errno);
  temporary_.clear();
  return {};
}

Error digest_mismatch(const std::string& what, const Digest& expected, const Digest& found) {
  return make_error(
      fmt::format("{}: content is not what its digest says: expected {}, found {}", what, expected.str(), found.str()));
}

}  // namespace berth::images
