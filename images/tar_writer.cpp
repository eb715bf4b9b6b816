#include "images/tar_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/check.h"
#include "images/tar_format.h"

namespace berth::images {

using namespace tar_format;

namespace {

using Records = std::map<std::string, std::string>;

char type_flag(TarType type) {
  constexpr std::pair<TarType, char> kFlags[] = {
      {TarType::file, '0'},         {TarType::hard_link, '1'}, {TarType::symlink, '2'}, {TarType::char_device, '3'},
      {TarType::block_device, '4'}, {TarType::directory, '5'}, {TarType::fifo, '6'}};
  return std::find_if(std::begin(kFlags), std::end(kFlags), [&](const auto& one) { return one.first == type; })->second;
}

/// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
  size_t rest = key.size() + value.size() + 3;
  size_t length = rest + std::to_string(rest).size();
  if (std::to_string(length).size() > std::to_string(rest).size()) length = rest + std::to_string(length).size();
  return fmt::format("{} {}={}\n", length, key, value);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class Header {
 public:
  Header(char type, Records& records) : records_(records) {
    block_[kTypeAt] = type;
    std::memcpy(block_ + kMagicAt,
                "ustar\0"
                "00",
                8);
  }

  void text(Field field, const char* key, const std::string& value) {
    if (value.size() > field.length || !is_ascii(value)) records_[key] = value;
    std::memcpy(block_ + field.at, value.data(), std::min(value.size(), field.length));
  }

  /// Octal; what does not fit goes into a record.
  void number(Field field, const char* key, uint64_t value) {
    size_t digits = field.length - 1;
    if (digits < 21 && value >> (3 * digits) != 0) {
      records_[key] = std::to_string(value);
      value = 0;
    }
    std::memcpy(block_ + field.at, fmt::format("{:0{}o}", value, digits).data(), digits);
  }

  std::string_view finish() {
    std::memset(block_ + kChecksum.at, ' ', kChecksum.length);
    unsigned sum = 0;
    for (char c : block_) sum += static_cast<unsigned char>(c);
    std::memcpy(block_ + kChecksum.at, fmt::format("{:06o}", sum).c_str(), 7);  // six digits, NUL, blank
    return {block_, kBlock};
  }

 private:
  char block_[kBlock] = {};
  Records& records_;
};

/// The map of a sparse file as PAX 1.0 puts it before the data: count, then pairs, a number a line, in whole blocks.
std::string sparse_map(const TarEntry& entry) {
  // A hole at the end is known by a segment of no length there, as GNU tar writes it.
  bool ends_in_hole =
      entry.segments.empty() || entry.segments.back().offset + entry.segments.back().length < entry.size;
  std::string map = fmt::format("{}\n", entry.segments.size() + (ends_in_hole ? 1 : 0));
  for (const TarEntry::Segment& segment : entry.segments)
    map += fmt::format("{}\n{}\n", segment.offset, segment.length);
  if (ends_in_hole) map += fmt::format("{}\n0\n", entry.size);
  map.resize((map.size() + kBlock - 1) / kBlock * kBlock, '\0');
  return map;
}

uint64_t stored_size(const TarEntry& entry) {
  if (!entry.sparse) return entry.size;
  uint64_t size = 0;
  for (const TarEntry::Segment& segment : entry.segments) size += segment.length;
  return size;
}

void put_time(Header& header, Records& records, const TarEntry& entry) {
  header.number(kMtime, "mtime", entry.mtime < 0 ? 0 : static_cast<uint64_t>(entry.mtime));
  if (entry.mtime_ns == 0 && entry.mtime >= 0) return;
  if (entry.mtime < 0 && entry.mtime_ns > 0) {  // seconds are rounded down: -1 and half a second is -0.5
    records["mtime"] = fmt::format("-{}.{:09}", -(entry.mtime + 1), 1'000'000'000 - entry.mtime_ns);
  } else {
    records["mtime"] = fmt::format("{}.{:09}", entry.mtime, entry.mtime_ns);
  }
}

}  // namespace

Status TarWriter::entry(const TarEntry& entry) {
  BERTH_CHECK(remaining_ == 0);
  BERTH_TRY_OK(pad(padding_));
  Records records;
  for (const auto& [name, value] : entry.xattrs) records["SCHILY.xattr." + name] = value;
  bool file = entry.type == TarType::file;
  std::string name = entry.name;
  if (entry.type == TarType::directory && !name.ends_with('/')) name += '/';
  std::string map = file && entry.sparse ? sparse_map(entry) : "";
  if (!map.empty()) {
    records["GNU.sparse.major"] = "1";
    records["GNU.sparse.minor"] = "0";
    records["GNU.sparse.name"] = name;
    records["GNU.sparse.realsize"] = std::to_string(entry.size);
  }
  remaining_ = file ? stored_size(entry) : 0;
  Header header(type_flag(entry.type), records);
  header.text(kName, "path", name);
  header.text(kLink, "linkpath", entry.link_name);
  header.number(kMode, "mode", entry.mode);
  header.number(kUid, "uid", entry.uid);
  header.number(kGid, "gid", entry.gid);
  header.number(kSize, "size", remaining_ + map.size());
  put_time(header, records, entry);
  if (entry.type == TarType::char_device || entry.type == TarType::block_device) {
    header.number(kMajor, "SCHILY.devmajor", entry.device_major);
    header.number(kMinor, "SCHILY.devminor", entry.device_minor);
  }
  std::string extended;
  for (const auto& [key, value] : records) extended += pax_record(key, value);
  if (!extended.empty()) {
    Records none;
    Header pax('x', none);
    pax.text(kName, "path", "PaxHeaders");
    pax.number(kMode, "mode", 0644);
    pax.number(kUid, "uid", 0);
    pax.number(kGid, "gid", 0);
    pax.number(kSize, "size", extended.size());
    pax.number(kMtime, "mtime", 0);
    BERTH_TRY_OK(write_(pax.finish()));
    BERTH_TRY_OK(write_(extended));
    BERTH_TRY_OK(pad((kBlock - extended.size() % kBlock) % kBlock));
  }
  BERTH_TRY_OK(write_(header.finish()));
  if (!map.empty()) BERTH_TRY_OK(write_(map));
  padding_ = (kBlock - remaining_ % kBlock) % kBlock;
  return {};
}

Status TarWriter::data(std::string_view bytes) {
  BERTH_CHECK(bytes.size() <= remaining_);
  remaining_ -= bytes.size();
  return write_(bytes);
}

Status TarWriter::finish() {
  BERTH_CHECK(remaining_ == 0);
  BERTH_TRY_OK(pad(padding_));
  return pad(2 * kBlock);
}

Status TarWriter::file(const std::string& name, std::string_view content) {
  TarEntry header;
  header.name = name;
  header.mode = 0644;
  header.size = content.size();
  BERTH_TRY_OK(entry(header));
  return data(content);
}

Status TarWriter::pad(uint64_t size) {
  static constexpr char kZeros[2 * kBlock] = {};
  padding_ = 0;
  return size == 0 ? Status() : write_({kZeros, static_cast<size_t>(size)});
}

}  // namespace berth::images
