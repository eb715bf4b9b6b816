// Frames: RFC 9113, section 4.1 and 6. Header fields: RFC 7541, appendix A (the numbers below) and section 6.2.2
// (literals, without Huffman coding). The call: grpc.io, "gRPC over HTTP2" and "health checking protocol".

#include "supervise/grpc_health.h"

#include <fmt/core.h>

namespace berth::supervise {
namespace {

enum Frame : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7 };
constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;
constexpr uint32_t kCall = 1;  // the first stream of a client
constexpr size_t kFrameHeader = 9, kMessageHeader = 5;
constexpr size_t kMaxFrame = 16 << 10;  // what a server may send to a client that has asked for no more
constexpr size_t kMaxMessage = 4 << 10;

void append_number(std::string& out, uint32_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

uint32_t number_of(std::string_view bytes) {
  uint32_t number = 0;
  for (char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  append_number(out, static_cast<uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  append_number(out, stream, 4);
  return out.append(payload);
}

/// A string shorter than 127 bytes, as header fields and protobuf alike have it.
std::string counted(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())).append(text);
}

std::string call_headers(const std::string& authority) {
  std::string out = "\x83\x86";                             // :method POST, :scheme http
  out += "\x04" + counted("/grpc.health.v1.Health/Check");  // :path
  out += "\x01" + counted(authority);                       // :authority
  out += "\x0f\x10" + counted("application/grpc");          // content-type
  return out.append(1, '\0') + counted("te") + counted("trailers");
}

std::string call_message(const std::string& service) {
  std::string body;
  if (!service.empty()) body = "\x0a" + counted(service);  // field 1 of HealthCheckRequest
  std::string out(1, '\0');                                // not compressed
  append_number(out, static_cast<uint32_t>(body.size()), 4);
  return out + body;
}

const char* status_name(uint8_t status) {
  constexpr const char* kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? kNames[status] : "a status that does not exist";
}

}  // namespace

GrpcHealthCheck::GrpcHealthCheck(const std::string& authority, const std::string& service)
    : request_("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "") +
               frame(kHeaders, kEndHeaders, kCall, call_headers(authority)) +
               frame(kData, kEndStream, kCall, call_message(service))) {}

std::string GrpcHealthCheck::feed(std::string_view bytes) {
  std::string reply;
  received_ += bytes;
  while (!verdict_ && received_.size() >= kFrameHeader) {
    std::string_view header(received_);
    size_t length = number_of(header.substr(0, 3));
    if (length > kMaxFrame) {
      verdict_ = {false, "the answer is not HTTP/2"};
      break;
    }
    if (received_.size() < kFrameHeader + length) break;
    auto type = static_cast<uint8_t>(header[3]), flags = static_cast<uint8_t>(header[4]);
    uint32_t stream = number_of(header.substr(5, 4)) & 0x7fffffff;
    on_frame(type, flags, header.substr(kFrameHeader, length), stream, reply);
    received_.erase(0, kFrameHeader + length);
  }
  return reply;
}

void GrpcHealthCheck::on_frame(uint8_t type, uint8_t flags, std::string_view payload, uint32_t stream,
                               std::string& reply) {
  bool acknowledges = (flags & kAck) != 0;
  if (type == kSettings && !acknowledges) reply += frame(kSettings, kAck, 0, "");
  if (type == kPing && !acknowledges) reply += frame(kPing, kAck, 0, payload);
  if (type == kGoAway) verdict_ = {false, "the server ended the connection"};
  if (stream != kCall) return;
  if (type == kData) on_data(flags, payload);
  if (type == kReset) verdict_ = {false, fmt::format("the server reset the call (error {})", number_of(payload))};
  bool ends = (flags & kEndStream) != 0 && (type == kData || type == kHeaders);
  if (ends && !verdict_) conclude();
}

void GrpcHealthCheck::on_data(uint8_t flags, std::string_view payload) {
  if ((flags & kPadded) != 0 && !payload.empty()) {
    size_t padding = static_cast<uint8_t>(payload[0]);
    payload.remove_prefix(1);
    payload.remove_suffix(std::min(padding, payload.size()));
  }
  message_.append(payload.substr(0, kMaxMessage - std::min(kMaxMessage, message_.size())));
}

void GrpcHealthCheck::conclude() {
  std::string_view message(message_);
  if (message.size() < kMessageHeader || message[0] != 0) {
    verdict_ = {false, "the server has no health of this service to tell: an error instead of an answer"};
    return;
  }
  // HealthCheckResponse: field 1, a varint; one that is left out is 0.
  std::string_view body = message.substr(kMessageHeader);
  bool present = body.size() >= 2 && body[0] == 0x08;
  auto status = present ? static_cast<uint8_t>(body[1]) : uint8_t{0};
  verdict_ = {status == 1, status_name(status)};
}

}  // namespace berth::supervise
