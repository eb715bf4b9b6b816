#include "images/tar_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "images/tar_format.h"
#include "images/tar_pax.h"

namespace berth::images {

using namespace tar_format;

namespace {

constexpr uint64_t kMaxExtension = 1 << 20;  // as Go: a header of names and attributes is never larger

constexpr size_t kGnuSparseAt = 386, kGnuExtendedAt = 482;
constexpr Field kGnuRealSize{483, 12};
constexpr size_t kGnuHeaderPairs = 4, kGnuBlockPairs = 21, kGnuBlockExtendedAt = 504;

std::string text_field(const char* block, Field field) {
  return {block + field.at, strnlen(block + field.at, field.length)};
}

/// Octal with blanks around it, or GNU's base-256 with the top bit set; nothing if neither or negative.
std::optional<uint64_t> number_field(const char* block, Field field) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(block + field.at);
  uint64_t value = 0;
  if ((bytes[0] & 0x80) != 0) {
    for (size_t i = 0; i < field.length; ++i) {
      if (value >> 55 != 0) return std::nullopt;  // beyond 63 bits, or negative
      value = (value << 8) | (i == 0 ? bytes[i] & 0x7FU : bytes[i]);
    }
    return value;
  }
  std::string text = text_field(block, field);
  for (char c : trim(text)) {
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value * 8 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

/// GNU tar writes times before 1970 as negative base-256 numbers; those become 0.
int64_t time_field(const char* block) {
  auto value = number_field(block, kMtime);
  return value ? static_cast<int64_t>(*value) : 0;
}

bool is_zero(const char* block) {
  return std::all_of(block, block + kBlock, [](char c) { return c == '\0'; });
}

bool checksum_fits(const char* block) {
  auto stored = number_field(block, kChecksum);
  uint64_t as_unsigned = 0;
  int64_t as_signed = 0;  // some old tars added up signed chars
  for (size_t i = 0; i < kBlock; ++i) {
    bool inside = i >= kChecksum.at && i < kChecksum.at + kChecksum.length;
    char c = inside ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  return stored && (*stored == as_unsigned || static_cast<int64_t>(*stored) == as_signed);
}

std::string header_name(const char* block) {
  std::string name = text_field(block, kName);
  // Only POSIX has a prefix there; GNU keeps other things in that place.
  bool posix = std::memcmp(block + kMagicAt, "ustar\0", 6) == 0;
  std::string prefix = posix ? text_field(block, kPrefix) : "";
  return prefix.empty() ? name : prefix + "/" + name;
}

std::optional<TarType> entry_type(char flag, const std::string& name) {
  switch (flag) {
    case '\0':
    case '0':
    case '7':
    case 'S':
      return name.ends_with('/') && flag != 'S' ? TarType::directory : TarType::file;
    case '1':
      return TarType::hard_link;
    case '2':
      return TarType::symlink;
    case '3':
      return TarType::char_device;
    case '4':
      return TarType::block_device;
    case '5':
      return TarType::directory;
    case '6':
      return TarType::fifo;
    default:
      return std::nullopt;
  }
}

/// Fills the entry from the block; extended headers win. False: a number that cannot be read.
bool fill_entry(TarEntry& entry, const char* block, PaxExtras& extras) {
  entry = TarEntry{};
  entry.name = extras.sparse_name ? *extras.sparse_name : extras.name ? *extras.name : header_name(block);
  entry.link_name = extras.link_name ? *extras.link_name : text_field(block, kLink);
  auto mode = number_field(block, kMode);
  auto uid = extras.uid ? extras.uid : number_field(block, kUid);
  auto gid = extras.gid ? extras.gid : number_field(block, kGid);
  auto size = extras.size ? extras.size : number_field(block, kSize);
  if (!mode || !uid || !gid || !size) return false;
  entry.mode = static_cast<uint32_t>(*mode & 07777);
  entry.uid = *uid;
  entry.gid = *gid;
  entry.size = *size;
  entry.mtime = extras.mtime ? *extras.mtime : time_field(block);
  entry.mtime_ns = extras.mtime_ns;
  entry.xattrs = std::move(extras.xattrs);
  return true;
}

bool fill_device(TarEntry& entry, const char* block) {
  auto major = number_field(block, kMajor);
  auto minor = number_field(block, kMinor);
  if (!major || !minor) return false;
  entry.device_major = *major;
  entry.device_minor = *minor;
  return true;
}

/// One "offset, length" pair of GNU's old sparse header; false at the end of the list.
bool old_sparse_pair(const char* at, std::vector<uint64_t>& numbers, bool& damaged) {
  if (at[0] == '\0') return false;
  auto offset = number_field(at, {0, 12});
  auto length = number_field(at, {12, 12});
  damaged = damaged || !offset || !length;
  if (damaged) return false;
  numbers.push_back(*offset);
  numbers.push_back(*length);
  return true;
}

}  // namespace

Result<std::string_view> TarReader::take(uint64_t most) {
  if (window_.empty() && !source_ended_) {
    BERTH_TRY(window_, read_());
    source_ended_ = window_.empty();
  }
  std::string_view bytes = window_.substr(0, static_cast<size_t>(std::min<uint64_t>(most, window_.size())));
  window_.remove_prefix(bytes.size());
  return bytes;
}

Result<bool> TarReader::read_block(char* block, bool end_allowed) {
  size_t have = 0;
  while (have < kBlock) {
    BERTH_TRY(std::string_view bytes, take(kBlock - have));
    if (bytes.empty()) {
      if (have == 0 && end_allowed) return false;
      return make_error("tar: ends in the middle of an entry");
    }
    std::memcpy(block + have, bytes.data(), bytes.size());
    have += bytes.size();
  }
  return true;
}

Result<bool> TarReader::read_header(char* block) {
  BERTH_TRY(bool there, read_block(block, true));
  if (!there) return false;
  if (is_zero(block)) {
    BERTH_TRY(bool second, read_block(block, true));
    if (second && !is_zero(block)) return make_error("tar: an empty block between entries");
    return false;
  }
  if (!checksum_fits(block)) return make_error("tar: not a tar archive, or damaged (header checksum is wrong)");
  return true;
}

Result<std::string> TarReader::read_extension(uint64_t size) {
  if (size > kMaxExtension) return make_error("tar: an extended header is larger than 1 MiB");
  std::string text;
  remaining_ = size;
  padding_ = (kBlock - size % kBlock) % kBlock;
  for (;;) {
    BERTH_TRY(std::string_view bytes, data());
    if (bytes.empty()) return text;
    text += bytes;
  }
}

Result<std::string_view> TarReader::data() {
  if (remaining_ == 0) return std::string_view();
  BERTH_TRY(std::string_view bytes, take(remaining_));
  if (bytes.empty()) return make_error("tar: ends in the middle of a file");
  remaining_ -= bytes.size();
  return bytes;
}

Result<bool> TarReader::next(TarEntry& entry) {
  char block[kBlock];
  PaxExtras extras;
  for (;;) {
    // Whatever the caller left of the last entry, and its padding.
    for (uint64_t* left : {&remaining_, &padding_}) {
      while (*left > 0) {
        BERTH_TRY(std::string_view bytes, take(*left));
        // The data must be whole. Padding that is cut off at the very end is what some writers leave (umoci insert),
        // and what the Docker engine takes.
        if (bytes.empty() && left == &padding_) {
          padding_ = 0;
          break;
        }
        if (bytes.empty()) return make_error("tar: ends in the middle of an entry");
        *left -= bytes.size();
      }
    }
    BERTH_TRY(bool more, read_header(block));
    if (!more) return false;
    char flag = block[kTypeAt];
    auto size = number_field(block, kSize);
    bool extension = std::strchr("xgLKV", flag) != nullptr && flag != '\0';
    if (!extension) break;
    if (!size) return make_error("tar: a header has a size that is not a number");
    BERTH_TRY(std::string text, read_extension(*size));
    if (flag == 'x') {
      extras = PaxExtras{.name = std::move(extras.name), .link_name = std::move(extras.link_name)};
      BERTH_TRY_OK(read_pax_records(text, extras));
    }
    text.resize(strnlen(text.data(), text.size()));
    if (flag == 'L') extras.name = text;
    if (flag == 'K') extras.link_name = text;
  }
  if (!fill_entry(entry, block, extras)) return make_error("tar: a header has a field that is not a number");
  std::optional<TarType> type = entry_type(block[kTypeAt], entry.name);
  if (!type) {
    return make_error(
        fmt::format("tar: {}: type '{}' is not known", printable(entry.name), printable({block + kTypeAt, 1})));
  }
  entry.type = *type;
  bool device = entry.type == TarType::char_device || entry.type == TarType::block_device;
  if (device && !fill_device(entry, block)) return make_error("tar: a device number is not a number");
  // Links, directories and devices have no data behind them, even if an old tar gives them a size: as Go reads it.
  if (entry.type != TarType::file) entry.size = 0;
  remaining_ = entry.size;
  padding_ = (kBlock - entry.size % kBlock) % kBlock;
  if (entry.type == TarType::file) BERTH_TRY_OK(read_sparse_map(entry, block, extras));
  return true;
}

Status TarReader::read_sparse_map(TarEntry& entry, const char* header, const PaxExtras& extras) {
  std::vector<uint64_t> numbers = extras.sparse_numbers;
  bool damaged = false;
  if (header[kTypeAt] == 'S') {
    auto real_size = number_field(header, kGnuRealSize);
    if (!real_size) return make_error("tar: the size of a sparse file is not a number");
    entry.size = *real_size;
    for (size_t i = 0; i < kGnuHeaderPairs && old_sparse_pair(header + kGnuSparseAt + i * 24, numbers, damaged); ++i) {
    }
    for (bool extended = header[kGnuExtendedAt] != 0; extended && !damaged;) {
      char block[kBlock];
      BERTH_TRY_OK(read_block(block, false));
      for (size_t i = 0; i < kGnuBlockPairs && old_sparse_pair(block + i * 24, numbers, damaged); ++i) {
      }
      extended = block[kGnuBlockExtendedAt] != 0;
      if (numbers.size() > size_t{2} << 20) damaged = true;
    }
  } else if (extras.sparse()) {
    entry.size = extras.sparse_size.value_or(0);
  } else {
    return {};
  }
  if (damaged) return make_error("tar: the map of a sparse file is not valid");
  if (extras.sparse_map_in_data) {
    BERTH_TRY(numbers, read_map_in_data());
  }
  entry.sparse = true;
  BERTH_TRY(entry.segments, sparse_segments(numbers, entry.size, remaining_));
  return {};
}

/// PAX sparse 1.0: decimal numbers, one per line, first the count of pairs, filled up to whole blocks; part of the
/// data.
Result<std::vector<uint64_t>> TarReader::read_map_in_data() {
  std::vector<uint64_t> numbers;
  std::string digits;
  uint64_t wanted = 1;  // the count itself, then that many pairs
  while (numbers.size() < wanted) {
    char block[kBlock];
    if (remaining_ < kBlock) return make_error("tar: the map of a sparse file is cut short");
    BERTH_TRY_OK(read_block(block, false));
    remaining_ -= kBlock;
    for (size_t i = 0; i < kBlock && numbers.size() < wanted; ++i) {
      if (block[i] != '\n') {
        digits += block[i];
        continue;
      }
      auto number = parse_unsigned(digits);
      if (!number || (numbers.empty() && *number > 1 << 20))
        return make_error("tar: the map of a sparse file is not valid");
      if (numbers.empty()) wanted = 1 + *number * 2;
      numbers.push_back(*number);
      digits.clear();
    }
    if (digits.size() > 20) return make_error("tar: the map of a sparse file is not valid");
  }
  numbers.erase(numbers.begin());
  return numbers;
}

Status TarReader::drain() {
  for (;;) {
    BERTH_TRY(std::string_view bytes, take(UINT64_MAX));
    if (bytes.empty()) return {};
  }
}

}  // namespace berth::images
