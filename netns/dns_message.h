#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "netns/address.h"

/// DNS messages (RFC 1035, EDNS0 of RFC 6891): bounded, no allocation, no exceptions. Input may be anything.
namespace berth::netns::dns {

inline constexpr size_t kHeaderSize = 12;
inline constexpr size_t kQuerySize = 4096;  // a longer query is none
inline constexpr size_t kMaxNameWire = 255;
inline constexpr size_t kMaxUdpPlain = 512;  // without EDNS
inline constexpr size_t kOurUdpSize = 1232;  // the largest answer we make ourselves over UDP (DNS flag day 2020)
inline constexpr size_t kMaxMessage = 65535;

enum Type : uint16_t { kA = 1, kNs = 2, kCname = 5, kSoa = 6, kPtr = 12, kAaaa = 28, kOpt = 41, kAny = 255 };
enum Rcode : uint8_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVersion = 16,  // of EDNS; its upper bits go into the OPT record
};

using Bytes = std::span<const uint8_t>;

/// A name in lower case with dots between labels, without the last dot; "" is the root. A byte that a host name cannot
/// have stays as it is, but a label with a dot inside makes the name `odd`, because it has no such text.
class Name {
 public:
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  [[nodiscard]] bool odd() const { return odd_; }

 private:
  friend bool read_name(Bytes message, size_t& offset, Name& out);
  std::array<char, kMaxNameWire> text_;
  uint8_t size_ = 0;
  bool odd_ = false;
};

/// Reads a possibly compressed name at `offset` and moves it behind the name. Compression pointers must point
/// backwards, so it ends. False if malformed.
[[nodiscard]] bool read_name(Bytes message, size_t& offset, Name& out);

struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;
  Name name;
  uint16_t type = 0;
  uint16_t klass = 0;
  size_t question_end = 0;  // header and question are message[0, question_end)
  bool edns = false;
  uint8_t edns_version = 0;
  uint16_t udp_size = kMaxUdpPlain;  // what the client takes over UDP, 512 at least
  [[nodiscard]] bool recursion_desired() const { return (flags & 0x0100) != 0; }
};

enum class Verdict {
  ok,
  drop,             // not a query at all (too short, or a response): no answer, or two servers would talk for ever
  format_error,     // answer FORMERR
  not_implemented,  // an opcode other than QUERY: answer NOTIMP
};
/// Checks the whole message: one question, records well-formed, at most one OPT. For format_error and not_implemented
/// `id` and `flags` are set.
[[nodiscard]] Verdict parse_query(Bytes message, Query& out);

/// Writes the answer to a query into a buffer, record by record. What does not fit any more sets TC and is left out; an
/// answer is always well-formed.
class AnswerWriter {
 public:
  /// `message` is the query as received, `limit` the most bytes the answer may have (at most out.size()).
  AnswerWriter(std::span<uint8_t> out, Bytes message, const Query& query, size_t limit);

  void add_address(const Address& address, uint32_t ttl);   // A or AAAA
  void add_pointer(std::string_view target, uint32_t ttl);  // PTR; skipped if `target` is not a name
  void add_soa(uint32_t ttl);  // authority section: makes "no such data" cacheable for `ttl` only
  /// Size of the finished answer. `authoritative` sets AA.
  [[nodiscard]] size_t finish(Rcode rcode, bool authoritative);

 private:
  [[nodiscard]] bool reserve(size_t bytes);
  void put16(uint16_t value);
  void put32(uint32_t value);
  void record_head(uint16_t type, uint32_t ttl, uint16_t length);

  std::span<uint8_t> out_;
  const Query& query_;
  size_t limit_;
  size_t size_ = 0;
  uint16_t answers_ = 0;
  uint16_t authorities_ = 0;
  bool truncated_ = false;
};

/// A bare answer with this code for any message of 12 bytes at least: the question is repeated if it could be read.
[[nodiscard]] size_t write_error(std::span<uint8_t> out, Bytes message, Rcode rcode);

/// Is `reply` an answer to exactly this question: response bit, id (which may differ in a forwarded query, so it is
/// given), the same one question (letters may differ in case)?
[[nodiscard]] bool answers_question(Bytes reply, uint16_t id, Bytes query, const Query& parsed);

[[nodiscard]] inline uint16_t message_id(Bytes message) {
  return static_cast<uint16_t>(message[0] << 8 | message[1]);
}
void set_message_id(std::span<uint8_t> message, uint16_t id);
[[nodiscard]] inline Rcode message_rcode(Bytes message) {
  return static_cast<Rcode>(message[3] & 0x0f);
}
[[nodiscard]] inline bool message_truncated(Bytes message) {
  return (message[2] & 0x02) != 0;
}
/// Cuts a reply to its question and sets TC: for a reply that is longer than the client takes.
[[nodiscard]] size_t truncate_reply(std::span<uint8_t> reply, size_t question_end);

/// The address that a reverse name ("4.3.2.1.in-addr.arpa", "….ip6.arpa") stands for.
[[nodiscard]] bool parse_reverse_name(std::string_view lower_case_name, Address& out);

}  // namespace berth::netns::dns
