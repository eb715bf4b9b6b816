#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::supervise {

/// One call of grpc.health.v1.Health/Check over HTTP/2 without TLS: what to send, and what to make of the answer. Only
/// as much of HTTP/2 as that takes; headers are not even read, for a call that fails has no message.
class GrpcHealthCheck {
 public:
  /// `service` empty = the server as a whole; at most 120 bytes.
  GrpcHealthCheck(const std::string& authority, const std::string& service);

  /// Everything to send at first: preface, settings, the call.
  [[nodiscard]] const std::string& request() const { return request_; }

  /// Takes bytes of the answer. What has to be sent back (acknowledgements).
  [[nodiscard]] std::string feed(std::string_view bytes);

  struct Verdict {
    bool serving = false;
    std::string text;  // the status, or why there is none
  };
  /// Nothing while the answer is not complete.
  [[nodiscard]] const std::optional<Verdict>& verdict() const { return verdict_; }

 private:
  void on_frame(uint8_t type, uint8_t flags, std::string_view payload, uint32_t stream, std::string& reply);
  void on_data(uint8_t flags, std::string_view payload);
  void conclude();

  std::string request_, received_, message_;
  std::optional<Verdict> verdict_;
};

}  // namespace berth::supervise
