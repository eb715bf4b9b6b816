#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "netns/dns_message.h"
#include "netns/dns_server.h"

namespace berth::netns {

/// Puts answers together from the zone. Allocates nothing, once it has seen the longest.
class Answerer {
 public:
  Answerer(const Zone& zone, uint32_t ttl) : zone_(zone), ttl_(ttl), random_(std::random_device{}()) {}

  enum class Kind {
    own,      // `size` bytes in `out`
    foreign,  // somebody else has to be asked
    none,     // say nothing
  };
  struct Outcome {
    Kind kind = Kind::none;
    size_t size = 0;
  };
  /// `query` is filled from `message`. `limit` caps the answer further than what the client takes.
  [[nodiscard]] Outcome answer(dns::Bytes message, const DnsView& view, bool tcp, dns::Query& query,
                               std::span<uint8_t> out);

 private:
  [[nodiscard]] Outcome answer_name(dns::AnswerWriter& writer, const dns::Query& query, const ZoneView& view);
  [[nodiscard]] std::optional<Outcome> answer_pointer(dns::AnswerWriter& writer, const dns::Query& query,
                                                      const ZoneView& view);
  void add_shuffled(dns::AnswerWriter& writer, std::span<const Address> addresses, bool v4, bool v6);

  const Zone& zone_;
  uint32_t ttl_;
  std::minstd_rand random_;
  std::vector<const Address*> order_;  // of the answer in the making
};

}  // namespace berth::netns
