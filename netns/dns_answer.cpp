#include "netns/dns_answer.h"

#include <algorithm>
#include <cstring>

namespace berth::netns {
namespace {

constexpr uint16_t kInternet = 1;
constexpr uint16_t kAnyClass = 255;

}  // namespace

Answerer::Outcome Answerer::answer(dns::Bytes message, const DnsView& view, bool tcp, dns::Query& query,
                                   std::span<uint8_t> out) {
  switch (dns::parse_query(message, query)) {
    case dns::Verdict::drop:
      return {};
    case dns::Verdict::format_error:
      return {Kind::own, dns::write_error(out, message, dns::kFormErr)};
    case dns::Verdict::not_implemented:
      return {Kind::own, dns::write_error(out, message, dns::kNotImp)};
    case dns::Verdict::ok:
      break;
  }
  const size_t limit = tcp ? out.size() : std::min<size_t>(query.udp_size, dns::kOurUdpSize);
  dns::AnswerWriter writer(out, message, query, limit);
  if (query.edns_version != 0) return {Kind::own, writer.finish(dns::kBadVersion, false)};
  const bool internet = query.klass == kInternet || query.klass == kAnyClass;
  if (internet && !query.name.odd()) {
    if (query.type == dns::kPtr) {
      if (const auto outcome = answer_pointer(writer, query, view.zone)) return *outcome;
    }
    const Outcome outcome = answer_name(writer, query, view.zone);
    if (outcome.kind == Kind::own) return outcome;
  }
  if (view.internal_only && view.upstreams.empty()) return {Kind::own, writer.finish(dns::kRefused, false)};
  return {Kind::foreign, 0};
}

Answerer::Outcome Answerer::answer_name(dns::AnswerWriter& writer, const dns::Query& query, const ZoneView& view) {
  const Zone::Addresses found = zone_.find(view, query.name.text());
  if (found.found == Zone::Found::foreign) return {Kind::foreign, 0};
  const bool v4 = query.type == dns::kA || query.type == dns::kAny;
  const bool v6 = query.type == dns::kAaaa || query.type == dns::kAny;
  const auto wanted = [&](const Address& address) { return address.v6 ? v6 : v4; };
  if (std::ranges::any_of(found.addresses, wanted)) {
    add_shuffled(writer, found.addresses, v4, v6);
  } else {
    writer.add_soa(0);
  }
  return {Kind::own, writer.finish(found.found == Zone::Found::no_name ? dns::kNxDomain : dns::kNoError, true)};
}

std::optional<Answerer::Outcome> Answerer::answer_pointer(dns::AnswerWriter& writer, const dns::Query& query,
                                                          const ZoneView& view) {
  Address address;
  if (!dns::parse_reverse_name(query.name.text(), address)) return std::nullopt;
  const Zone::Pointer found = zone_.find_pointer(view, address);
  if (found.found == Zone::Found::foreign) return std::nullopt;
  if (found.found == Zone::Found::no_name) {
    writer.add_soa(0);
    return Outcome{Kind::own, writer.finish(dns::kNxDomain, true)};
  }
  std::array<char, 512> target{};  // "shop-db-1.shop_default"
  const size_t size = found.name.size() + 1 + found.network.size();
  if (size > target.size()) return Outcome{Kind::own, writer.finish(dns::kNoError, true)};
  std::memcpy(target.data(), found.name.data(), found.name.size());
  target[found.name.size()] = '.';
  std::memcpy(target.data() + found.name.size() + 1, found.network.data(), found.network.size());
  writer.add_pointer({target.data(), size}, ttl_);
  return Outcome{Kind::own, writer.finish(dns::kNoError, true)};
}

void Answerer::add_shuffled(dns::AnswerWriter& writer, std::span<const Address> addresses, bool v4, bool v6) {
  order_.clear();
  for (const Address& address : addresses) {
    if (address.v6 ? v6 : v4) order_.push_back(&address);
  }
  for (size_t i = 0; i < order_.size(); ++i) {
    std::swap(order_[i], order_[i + random_() % (order_.size() - i)]);
    writer.add_address(*order_[i], ttl_);
  }
}

}  // namespace berth::netns
