#include "images/tar_pax.h"

#include <fmt/core.h>

#include "base/text.h"

namespace berth::images {
namespace {

constexpr std::string_view kSchilyXattr = "SCHILY.xattr.";
constexpr std::string_view kArchiveXattr = "LIBARCHIVE.xattr.";
constexpr size_t kMaxSparseNumbers = size_t{2} << 20;

Error bad(std::string_view key, std::string_view value) {
  return make_error(
      fmt::format("tar: extended header: {}=\"{}\" is not valid", printable(key), printable(value.substr(0, 80))));
}

/// "1700000000.123456789", "-5.25": seconds rounded down and a positive rest.
bool parse_time(std::string_view text, int64_t& seconds, uint32_t& nanoseconds) {
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  size_t dot = text.find('.');
  auto whole = parse_unsigned(text.substr(0, dot));
  if (!whole || *whole > INT64_MAX / 2) return false;
  std::string fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  if (fraction.find_first_not_of("0123456789") != std::string::npos) return false;
  fraction.resize(9, '0');
  uint32_t rest = static_cast<uint32_t>(parse_unsigned(fraction).value_or(0));
  seconds = static_cast<int64_t>(*whole);
  nanoseconds = rest;
  if (negative) {
    seconds = -seconds - (rest > 0 ? 1 : 0);
    nanoseconds = rest > 0 ? 1'000'000'000 - rest : 0;
  }
  return true;
}

/// libarchive's values are base64 without line breaks, often without padding.
bool decode_base64(std::string_view text, std::string& bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (char c : text) {
    size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> count) & 0xFF);
  }
  return true;
}

/// libarchive's names have '%', '=' and unprintable bytes as %XX.
std::string decode_percent(std::string_view text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    bool coded = text[i] == '%' && i + 2 < text.size() && isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                 isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    name += coded ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return name;
}

/// A later record for the same attribute wins.
void put_xattr(PaxExtras& extras, std::string name, std::string value) {
  for (auto& [known, content] : extras.xattrs) {
    if (known == name) {
      content = std::move(value);
      return;
    }
  }
  extras.xattrs.emplace_back(std::move(name), std::move(value));
}

Status apply_number(std::string_view key, std::string_view value, std::optional<uint64_t>& target) {
  auto number = parse_unsigned(value);
  if (!number || *number > INT64_MAX) return bad(key, value);
  target = *number;
  return {};
}

Status apply_sparse(std::string_view key, std::string_view value, PaxExtras& extras) {
  if (key == "name") extras.sparse_name = std::string(value);
  if (key == "size" || key == "realsize") return apply_number(key, value, extras.sparse_size);
  if (key == "major" && value == "1") extras.sparse_map_in_data = true;
  if (key != "map" && key != "offset" && key != "numbytes") return {};
  if (value.empty()) return {};
  for (const std::string& word : split(value, ',')) {
    auto number = parse_unsigned(word);
    if (!number || extras.sparse_numbers.size() >= kMaxSparseNumbers) return bad(key, value);
    extras.sparse_numbers.push_back(*number);
  }
  return {};
}

Status apply_record(std::string_view key, std::string_view value, PaxExtras& extras) {
  if (key == "path" || key == "linkpath") {
    if (value.find('\0') != std::string_view::npos) return bad(key, value);
    (key == "path" ? extras.name : extras.link_name) = std::string(value);
  } else if (key == "size") {
    return apply_number(key, value, extras.size);
  } else if (key == "uid") {
    return apply_number(key, value, extras.uid);
  } else if (key == "gid") {
    return apply_number(key, value, extras.gid);
  } else if (key == "mtime") {
    int64_t seconds = 0;
    if (!parse_time(value, seconds, extras.mtime_ns)) return bad(key, value);
    extras.mtime = seconds;
  } else if (key.starts_with(kSchilyXattr)) {
    put_xattr(extras, std::string(key.substr(kSchilyXattr.size())), std::string(value));
  } else if (key.starts_with(kArchiveXattr)) {
    std::string decoded;
    if (!decode_base64(value, decoded)) return bad(key, value);
    put_xattr(extras, decode_percent(key.substr(kArchiveXattr.size())), std::move(decoded));
  } else if (key.starts_with("GNU.sparse.")) {
    return apply_sparse(key.substr(11), value, extras);
  }
  return {};
}

}  // namespace

Status read_pax_records(std::string_view data, PaxExtras& extras) {
  // Each record is "LENGTH KEY=VALUE\n", where LENGTH counts the whole record; values may hold any byte.
  while (!data.empty() && data[0] != '\0') {
    size_t space = data.find(' ');
    auto length = parse_unsigned(data.substr(0, std::min(space, data.size())));
    bool good = space != std::string_view::npos && length && *length > space + 2 && *length <= data.size() &&
                data[*length - 1] == '\n';
    if (!good) return make_error("tar: extended header is damaged");
    std::string_view record = data.substr(space + 1, *length - space - 2);
    size_t equals = record.find('=');
    if (equals == std::string_view::npos) return make_error("tar: extended header is damaged");
    BERTH_TRY_OK(apply_record(record.substr(0, equals), record.substr(equals + 1), extras));
    data.remove_prefix(*length);
  }
  return {};
}

Result<std::vector<TarEntry::Segment>> sparse_segments(const std::vector<uint64_t>& numbers, uint64_t size,
                                                       uint64_t stored) {
  Error damaged = make_error("tar: the map of a sparse file is not valid");
  if (numbers.size() % 2 != 0) return damaged;
  std::vector<TarEntry::Segment> segments;
  uint64_t end = 0;
  uint64_t total = 0;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    uint64_t offset = numbers[i];
    uint64_t length = numbers[i + 1];
    if (offset < end || length > size || offset > size - length) return damaged;
    end = offset + length;
    total += length;
    if (length > 0) segments.push_back({offset, length});
  }
  if (total != stored) return damaged;
  return segments;
}

}  // namespace berth::images
