#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "netns/dns_answer.h"
#include "netns/dns_message.h"

using namespace berth::netns;

namespace {

/// A zone with what a message can ask for: names with one and with many addresses, of both kinds, declared ones, PTR.
const Zone& zone() {
  static Zone* const filled = [] {
    auto* names = new Zone;
    names->add_network("n", "x_default", {});
    names->declare("x", {"db"});
    EndpointNames web{"c", {"a", "web", "www.example"}, "x-web-1", {}};
    for (uint8_t i = 1; i < 120; ++i) {
      Address address{.v6 = i % 3 == 0};
      address.bytes = {10, 0, 0, i};
      web.addresses.push_back(address);
    }
    names->add_endpoint("n", web);
    return names;
  }();
  return *filled;
}

void check_answer(dns::Bytes message, bool tcp) {
  static Answerer answerer(zone(), 0);
  static const DnsView view{.zone = {.scope = "x", .networks = {"n"}}};
  std::array<uint8_t, 4096> out{};
  dns::Query query;
  const Answerer::Outcome outcome = answerer.answer(message, view, tcp, query, out);
  if (outcome.kind != Answerer::Kind::own) return;
  const dns::Bytes answer = std::span(out).first(outcome.size);
  if (answer.size() < dns::kHeaderSize || dns::message_id(answer) != dns::message_id(message)) std::abort();
  const dns::Rcode code = dns::message_rcode(answer);
  if (code == dns::kFormErr || code == dns::kNotImp) return;
  if (!tcp && answer.size() > std::min<size_t>(query.udp_size, dns::kOurUdpSize)) std::abort();
  if (!dns::answers_question(answer, query.id, message, query)) std::abort();
}

}  // namespace

/// Any bytes: as a query, as a reply, as a name. Laws: what we answer is a reply to that question, never longer than
/// allowed, and its question reads as the same name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const dns::Bytes message(data, size);
  check_answer(message, false);
  check_answer(message, true);
  std::array<uint8_t, 4096> out{};
  dns::Query query;
  const dns::Verdict verdict = dns::parse_query(message, query);
  if (verdict == dns::Verdict::ok) {
    const size_t limit = query.udp_size < dns::kOurUdpSize ? query.udp_size : dns::kOurUdpSize;
    dns::AnswerWriter writer(out, message, query, limit);
    for (int i = 0; i < 40; ++i) writer.add_address(Address{.v6 = i % 2 == 0}, 1);
    writer.add_pointer(query.name.text(), 1);
    writer.add_soa(0);
    const size_t length = writer.finish(dns::kNoError, true);
    const dns::Bytes answer(out.data(), length);
    if (length > limit || !dns::answers_question(answer, query.id, message, query)) std::abort();
    size_t offset = dns::kHeaderSize;
    dns::Name again;
    if (!dns::read_name(answer, offset, again) || again.text() != query.name.text()) std::abort();
    Address reverse;
    if (dns::parse_reverse_name(query.name.text(), reverse) && reverse.str().empty()) std::abort();
  } else if (verdict != dns::Verdict::drop) {
    if (dns::write_error(out, message, dns::kFormErr) < dns::kHeaderSize) std::abort();
  }
  size_t offset = dns::kHeaderSize;
  dns::Name name;
  if (dns::read_name(message, offset, name) && offset > size) std::abort();
  return 0;
}
