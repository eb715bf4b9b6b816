#include "netns/dns_message.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace berth::netns::dns {
namespace {

constexpr uint16_t kResponse = 0x8000, kOpcode = 0x7800, kAuthoritative = 0x0400, kTruncated = 0x0200,
                   kRecursionDesired = 0x0100, kRecursionAvailable = 0x0080;
constexpr uint16_t kInternet = 1;
constexpr uint16_t kQuestionPointer = 0xc00c;  // to the name right behind the header
constexpr size_t kOptSize = 11;
constexpr size_t kMaxRecords =
    64;  // of a query, which needs one at most; a limit so that garbage is not walked for long

uint16_t get16(Bytes message, size_t offset) {
  return static_cast<uint16_t>(message[offset] << 8 | message[offset + 1]);
}

void set16(std::span<uint8_t> out, size_t offset, uint16_t value) {
  out[offset] = static_cast<uint8_t>(value >> 8);
  out[offset + 1] = static_cast<uint8_t>(value);
}

char lower(uint8_t byte) {
  return static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
}

/// Walks over the records behind the question; takes what an OPT says. False if malformed.
bool read_records(Bytes message, Query& query) {
  const size_t count = size_t{get16(message, 6)} + get16(message, 8) + get16(message, 10);
  if (count > kMaxRecords) return false;
  size_t offset = query.question_end;
  for (size_t i = 0; i < count; ++i) {
    Name owner;
    if (!read_name(message, offset, owner) || message.size() - offset < 10) return false;
    const uint16_t type = get16(message, offset);
    const size_t length = get16(message, offset + 8);
    if (message.size() - offset - 10 < length) return false;
    if (type == kOpt) {
      if (query.edns || !owner.text().empty()) return false;
      query.edns = true;
      query.udp_size = std::max<uint16_t>(get16(message, offset + 2), kMaxUdpPlain);
      query.edns_version = message[offset + 5];
    }
    offset += 10 + length;
  }
  return true;
}

bool parse_octet(std::string_view text, uint8_t& out) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 255 || text.empty()) return false;
  out = static_cast<uint8_t>(value);
  return true;
}

bool parse_reverse_v4(std::string_view labels, Address& out) {
  out = Address{};
  for (size_t i = 4; i-- > 0;) {
    const size_t dot = labels.find('.');
    if ((dot == std::string_view::npos) != (i == 0)) return false;
    if (!parse_octet(labels.substr(0, dot), out.bytes[i])) return false;
    labels.remove_prefix(i == 0 ? labels.size() : dot + 1);
  }
  return true;
}

bool parse_reverse_v6(std::string_view labels, Address& out) {
  out = Address{.v6 = true};
  if (labels.size() != 63) return false;
  for (size_t i = 0; i < 32; ++i) {
    const char digit = labels[2 * i];
    if (i < 31 && labels[2 * i + 1] != '.') return false;
    const bool letter = digit >= 'a' && digit <= 'f';
    if (!letter && (digit < '0' || digit > '9')) return false;
    const auto value = static_cast<uint8_t>(letter ? digit - 'a' + 10 : digit - '0');
    const size_t nibble = 31 - i;
    out.bytes[nibble / 2] = static_cast<uint8_t>(out.bytes[nibble / 2] | value << (nibble % 2 == 0 ? 4 : 0));
  }
  return true;
}

}  // namespace

bool read_name(Bytes message, size_t& offset, Name& out) {
  out.size_ = 0;
  out.odd_ = false;
  size_t at = offset;
  size_t wire = 1;      // length of the name without compression, its final zero included
  bool jumped = false;  // offset is already set behind the first pointer
  while (true) {
    if (at >= message.size()) return false;
    const uint8_t length = message[at];
    if ((length & 0xc0) == 0xc0) {
      if (message.size() - at < 2) return false;
      const size_t target = static_cast<size_t>((length & 0x3f) << 8 | message[at + 1]);
      if (!jumped) offset = at + 2;
      jumped = true;
      if (target >= at) return false;  // backwards only: each jump makes `at` smaller than any label read through it
      at = target;
      // A pointer into what was read already would repeat labels; the limit on `wire` ends that.
      continue;
    }
    if ((length & 0xc0) != 0) return false;
    ++at;
    if (length == 0) break;
    wire += size_t{length} + 1;
    if (wire > kMaxNameWire || message.size() - at < length) return false;
    if (out.size_ != 0) out.text_[out.size_++] = '.';
    for (size_t i = 0; i < length; ++i) {
      const uint8_t byte = message[at + i];
      if (byte == '.' || byte == 0) out.odd_ = true;
      out.text_[out.size_++] = lower(byte);
    }
    at += length;
  }
  if (!jumped) offset = at;
  return true;
}

Verdict parse_query(Bytes message, Query& out) {
  if (message.size() < kHeaderSize) return Verdict::drop;
  out.id = get16(message, 0);
  out.flags = get16(message, 2);
  out.edns = false;
  out.edns_version = 0;
  out.udp_size = kMaxUdpPlain;
  out.question_end = kHeaderSize;
  if ((out.flags & kResponse) != 0) return Verdict::drop;
  if ((out.flags & kOpcode) != 0) return Verdict::not_implemented;
  if (get16(message, 4) != 1) return Verdict::format_error;
  size_t offset = kHeaderSize;
  if (!read_name(message, offset, out.name) || message.size() - offset < 4) return Verdict::format_error;
  // In front of the first question there is no name that a pointer could mean, only the header.
  const size_t plain_size = out.name.text().empty() ? 1 : out.name.text().size() + 2;
  if (offset - kHeaderSize != plain_size) return Verdict::format_error;
  out.type = get16(message, offset);
  out.klass = get16(message, offset + 2);
  out.question_end = offset + 4;
  return read_records(message, out) ? Verdict::ok : Verdict::format_error;
}

AnswerWriter::AnswerWriter(std::span<uint8_t> out, Bytes message, const Query& query, size_t limit)
    : out_(out), query_(query), limit_(std::min(limit, out.size())) {
  // The OPT record's place is kept free from the start, so that it is in a cut answer, too.
  if (query.edns) limit_ -= std::min(limit_, kOptSize);
  size_ = query.question_end;
  std::memcpy(out_.data(), message.data(), size_);
}

bool AnswerWriter::reserve(size_t bytes) {
  if (truncated_ || limit_ < size_ || limit_ - size_ < bytes) truncated_ = true;
  return !truncated_;
}

void AnswerWriter::put16(uint16_t value) {
  set16(out_, size_, value);
  size_ += 2;
}

void AnswerWriter::put32(uint32_t value) {
  put16(static_cast<uint16_t>(value >> 16));
  put16(static_cast<uint16_t>(value));
}

void AnswerWriter::record_head(uint16_t type, uint32_t ttl, uint16_t length) {
  put16(kQuestionPointer);
  put16(type);
  put16(kInternet);
  put32(ttl);
  put16(length);
}

void AnswerWriter::add_address(const Address& address, uint32_t ttl) {
  const uint16_t length = address.v6 ? 16 : 4;
  if (!reserve(size_t{12} + length)) return;
  record_head(address.v6 ? kAaaa : kA, ttl, length);
  std::memcpy(out_.data() + size_, address.bytes.data(), length);
  size_ += length;
  ++answers_;
}

void AnswerWriter::add_pointer(std::string_view target, uint32_t ttl) {
  std::array<uint8_t, kMaxNameWire> wire{};
  size_t used = 0;
  while (!target.empty()) {
    const size_t length = std::min(target.find('.'), target.size());
    if (length == 0 || length > 63 || used + length + 2 > wire.size()) return;
    wire[used++] = static_cast<uint8_t>(length);
    std::memcpy(wire.data() + used, target.data(), length);
    used += length;
    target.remove_prefix(std::min(length + 1, target.size()));
  }
  wire[used++] = 0;
  if (!reserve(12 + used)) return;
  record_head(kPtr, ttl, static_cast<uint16_t>(used));
  std::memcpy(out_.data() + size_, wire.data(), used);
  size_ += used;
  ++answers_;
}

void AnswerWriter::add_soa(uint32_t ttl) {
  constexpr uint16_t kLength = 22;  // two root names, five numbers
  if (!reserve(size_t{12} + kLength)) return;
  record_head(kSoa, ttl, kLength);
  put16(0);
  for (int number = 0; number < 4; ++number) put32(1);  // serial, refresh, retry, expire: nobody transfers this zone
  put32(ttl);
  ++authorities_;
}

size_t AnswerWriter::finish(Rcode rcode, bool authoritative) {
  uint16_t flags =
      static_cast<uint16_t>(kResponse | kRecursionAvailable | (query_.flags & kRecursionDesired) | (rcode & 0x0f));
  if (authoritative) flags |= kAuthoritative;
  if (truncated_) flags |= kTruncated;
  set16(out_, 2, flags);
  set16(out_, 4, 1);
  set16(out_, 6, answers_);
  set16(out_, 8, authorities_);
  set16(out_, 10, query_.edns ? 1 : 0);
  if (query_.edns && out_.size() - size_ >= kOptSize) {
    out_[size_++] = 0;
    put16(kOpt);
    put16(kOurUdpSize);
    put32(static_cast<uint32_t>(rcode >> 4) << 24);
    put16(0);
  } else {
    set16(out_, 10, 0);
  }
  return size_;
}

size_t write_error(std::span<uint8_t> out, Bytes message, Rcode rcode) {
  Query query;
  if (parse_query(message, query) == Verdict::ok)
    return AnswerWriter(out, message, query, out.size()).finish(rcode, false);
  std::fill_n(out.begin(), kHeaderSize, uint8_t{0});
  std::memcpy(out.data(), message.data(), 2);
  const uint16_t kept = get16(message, 2) & (kOpcode | kRecursionDesired);
  set16(out, 2, static_cast<uint16_t>(kResponse | kept | rcode));
  return kHeaderSize;
}

bool answers_question(Bytes reply, uint16_t id, Bytes query, const Query& parsed) {
  if (reply.size() < parsed.question_end || message_id(reply) != id) return false;
  if ((get16(reply, 2) & kResponse) == 0 || (get16(reply, 2) & kOpcode) != 0 || get16(reply, 4) != 1) return false;
  const auto same = [](uint8_t a, uint8_t b) { return lower(a) == lower(b); };
  const size_t name_size = parsed.question_end - kHeaderSize - 4;
  const Bytes asked = query.subspan(kHeaderSize, name_size);
  const Bytes repeated = reply.subspan(kHeaderSize, name_size);
  const Bytes asked_type = query.subspan(parsed.question_end - 4, 4);
  const Bytes repeated_type = reply.subspan(parsed.question_end - 4, 4);
  return std::ranges::equal(asked, repeated, same) && std::ranges::equal(asked_type, repeated_type);
}

void set_message_id(std::span<uint8_t> message, uint16_t id) {
  set16(message, 0, id);
}

size_t truncate_reply(std::span<uint8_t> reply, size_t question_end) {
  set16(reply, 2, get16(reply, 2) | kTruncated);
  for (const size_t counter : {6, 8, 10}) set16(reply, counter, 0);
  return question_end;
}

bool parse_reverse_name(std::string_view name, Address& out) {
  constexpr std::string_view kV4 = ".in-addr.arpa", kV6 = ".ip6.arpa";
  if (name.ends_with(kV4)) return parse_reverse_v4(name.substr(0, name.size() - kV4.size()), out);
  return name.ends_with(kV6) && parse_reverse_v6(name.substr(0, name.size() - kV6.size()), out);
}

}  // namespace berth::netns::dns
