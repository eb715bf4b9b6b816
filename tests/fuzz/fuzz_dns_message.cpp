#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "netns/dns_message.h"

using namespace berth::netns;

/// Any bytes: as a query, as a reply, as a name. Laws: what we answer is a reply to that question, never longer than
/// allowed, and its question reads as the same name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const dns::Bytes message(data, size);
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
