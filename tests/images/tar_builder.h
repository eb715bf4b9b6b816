#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "images/layer_unpack.h"

namespace berth::test {

/// Writes tars byte by byte, so that tests can say what no honest tar program would.
class TarBuilder {
 public:
  struct Header {
    std::string name;
    char type = '0';
    std::string link{};
    unsigned mode = 0644;
    unsigned uid = 0;
    unsigned gid = 0;
    uint64_t size = 0;
    uint64_t mtime = 1700000000;
    unsigned major = 0;
    unsigned minor = 0;
  };

  TarBuilder& header(const Header& h) {
    char block[512] = {};
    std::strncpy(block, h.name.c_str(), 100);
    octal(block + 100, 8, h.mode);
    octal(block + 108, 8, h.uid);
    octal(block + 116, 8, h.gid);
    octal(block + 124, 12, h.size);
    octal(block + 136, 12, h.mtime);
    block[156] = h.type;
    std::strncpy(block + 157, h.link.c_str(), 100);
    std::memcpy(block + 257,
                "ustar\0"
                "00",
                8);
    octal(block + 329, 8, h.major);
    octal(block + 337, 8, h.minor);
    return raw_header(block);
  }
  /// With the checksum put right.
  TarBuilder& raw_header(char* block) {
    std::memset(block + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; ++i) sum += static_cast<unsigned char>(block[i]);
    octal(block + 148, 7, sum);
    bytes_.append(block, 512);
    return *this;
  }
  TarBuilder& data(std::string_view content) {
    bytes_ += content;
    bytes_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  TarBuilder& file(const std::string& name, std::string_view content = "", unsigned mode = 0644) {
    header({.name = name, .mode = mode, .size = content.size()});
    return data(content);
  }
  TarBuilder& dir(const std::string& name, unsigned mode = 0755) {
    return header({.name = name, .type = '5', .mode = mode});
  }
  TarBuilder& symlink(const std::string& name, const std::string& target) {
    return header({.name = name, .type = '2', .link = target, .mode = 0777});
  }
  TarBuilder& hardlink(const std::string& name, const std::string& target) {
    return header({.name = name, .type = '1', .link = target});
  }
  /// A PAX header for the next entry.
  TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records) {
    std::string text;
    for (const auto& [key, value] : records) {
      std::string rest = " " + key + "=" + value + "\n";
      size_t length = rest.size() + 1;
      while (std::to_string(length).size() + rest.size() != length) ++length;
      text += std::to_string(length) + rest;
    }
    header({.name = "PaxHeaders/x", .type = 'x', .size = text.size()});
    return data(text);
  }
  [[nodiscard]] std::string str() const { return bytes_ + std::string(1024, '\0'); }
  [[nodiscard]] const std::string& without_end() const { return bytes_; }

 private:
  static void octal(char* at, int length, uint64_t value) {
    at[length - 1] = '\0';
    for (int i = length - 2; i >= 0; --i, value >>= 3) at[i] = static_cast<char>('0' + (value & 7));
  }
  std::string bytes_;
};

/// Gives the bytes in pieces of this length.
inline images::ReadBlob source_of(std::string bytes, size_t piece = 64 * 1024) {
  return [bytes = std::move(bytes), piece, at = size_t{0}]() mutable -> Result<std::string_view> {
    std::string_view next = std::string_view(bytes).substr(at, piece);
    at += next.size();
    return next;
  };
}

}  // namespace berth::test
