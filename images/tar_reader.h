#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "images/layer_unpack.h"

namespace berth::images {

enum class TarType { file, hard_link, symlink, char_device, block_device, directory, fifo };

struct TarEntry {
  TarType type = TarType::file;
  std::string name;       // as written
  std::string link_name;  // of hard_link and symlink
  uint32_t mode = 0;      // permission bits with setuid, setgid, sticky
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t size = 0;  // of the file when unpacked
  int64_t mtime = 0;
  uint32_t mtime_ns = 0;
  uint64_t device_major = 0;
  uint64_t device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;

  struct Segment {
    uint64_t offset = 0;
    uint64_t length = 0;
  };
  bool sparse = false;
  std::vector<Segment> segments;  // of a sparse file: where the stored bytes belong, ascending, within size
};

struct PaxExtras;

/// Reads a tar as Go's archive/tar and so Docker understands it: ustar, GNU (long names, base-256 numbers, sparse) and
/// PAX (path, linkpath, size, uid, gid, mtime, xattrs of SCHILY and LIBARCHIVE, sparse 0.0, 0.1, 1.0). Global PAX
/// headers and volume labels are passed over. A tar without an end mark ends where its bytes end, if that is between
/// entries.
class TarReader {
 public:
  /// `read` gives the plain tar.
  explicit TarReader(ReadBlob read) : read_(std::move(read)) {}

  /// The next entry, passing over what is left of the present one; false at the end of the tar.
  [[nodiscard]] Result<bool> next(TarEntry& entry);
  /// The next stored bytes of the present entry (for a sparse file, its segments one after the other); empty at their
  /// end.
  [[nodiscard]] Result<std::string_view> data();
  /// Reads on to the end of the stream, which is behind the end mark.
  [[nodiscard]] Status drain();

 private:
  [[nodiscard]] Result<std::string_view> take(uint64_t most);
  [[nodiscard]] Result<bool> read_block(char* block, bool end_allowed);
  [[nodiscard]] Result<bool> read_header(char* block);
  [[nodiscard]] Result<std::string> read_extension(uint64_t size);
  [[nodiscard]] Status read_sparse_map(TarEntry& entry, const char* header, const PaxExtras& extras);
  [[nodiscard]] Result<std::vector<uint64_t>> read_map_in_data();

  ReadBlob read_;
  std::string_view window_;  // of the source, not yet taken
  uint64_t remaining_ = 0;   // stored bytes of the present entry
  uint64_t padding_ = 0;     // behind them
  bool source_ended_ = false;
};

}  // namespace berth::images
