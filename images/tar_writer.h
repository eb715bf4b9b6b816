#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "images/tar_reader.h"

namespace berth::images {

/// Takes the bytes of a tar as they are made.
using WriteBytes = std::function<Status(std::string_view bytes)>;

/// Writes a tar that TarReader, tar, and Go's archive/tar read: ustar headers, and PAX records for what does not fit
/// into one (long names, large numbers, fractions of a second, xattrs, holes). The same entries give the same bytes.
class TarWriter {
 public:
  explicit TarWriter(WriteBytes write) : write_(std::move(write)) {}

  /// Begins an entry; the data of the one before must be complete. Behind a file `size` bytes follow by data(), for a
  /// sparse one those of its segments. Directories get the slash at their end that readers expect.
  [[nodiscard]] Status entry(const TarEntry& entry);
  [[nodiscard]] Status data(std::string_view bytes);
  /// The mark at the end.
  [[nodiscard]] Status finish();

  /// A file from memory, owned by root, of the year 1970.
  [[nodiscard]] Status file(const std::string& name, std::string_view content);

 private:
  [[nodiscard]] Status pad(uint64_t size);

  WriteBytes write_;
  uint64_t remaining_ = 0;  // data that the present entry still wants
  uint64_t padding_ = 0;    // zeros behind it
};

}  // namespace berth::images
