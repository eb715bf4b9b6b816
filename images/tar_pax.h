#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/tar_reader.h"

namespace berth::images {

/// What extended headers (PAX records, GNU long names) say about the entry that follows them.
struct PaxExtras {
  std::optional<std::string> name;
  std::optional<std::string> link_name;
  std::optional<uint64_t> size;
  std::optional<uint64_t> uid;
  std::optional<uint64_t> gid;
  std::optional<int64_t> mtime;
  uint32_t mtime_ns = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;

  // GNU's sparse formats 0.0 and 0.1 give the map here, 1.0 at the beginning of the data.
  std::optional<std::string> sparse_name;
  std::optional<uint64_t> sparse_size;
  std::vector<uint64_t> sparse_numbers;  // offset, length, offset, length, …
  bool sparse_map_in_data = false;
  [[nodiscard]] bool sparse() const { return sparse_map_in_data || !sparse_numbers.empty() || sparse_size.has_value(); }
};

/// Reads the records of one PAX header into `extras`; unknown keys are passed over. Error: names the record.
[[nodiscard]] Status read_pax_records(std::string_view data, PaxExtras& extras);

/// Turns "offset, length" pairs into segments. Error: odd count, overlapping, descending, beyond `size`, or not
/// `stored` bytes in total.
[[nodiscard]] Result<std::vector<TarEntry::Segment>> sparse_segments(const std::vector<uint64_t>& numbers,
                                                                     uint64_t size, uint64_t stored);

}  // namespace berth::images
