#include "supervise/grpc_health.h"

#include <catch2/catch.hpp>

using berth::supervise::GrpcHealthCheck;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (int value : values) text += static_cast<char>(value);
  return text;
}

std::string frame(int type, int flags, int stream, const std::string& payload) {
  auto length = static_cast<int>(payload.size());
  return bytes({length >> 16, length >> 8 & 0xff, length & 0xff, type, flags, 0, 0, 0, stream}) + payload;
}

const std::string kSettings = frame(4, 0, 0, bytes({0, 3, 0, 0, 0, 100}));
const std::string kHeaders = frame(1, 4, 1, bytes({0x88}));
const std::string kTrailers = frame(1, 5, 1, bytes({0x88}));

std::string answer_of(int status) {
  return frame(0, 0, 1, bytes({0, 0, 0, 0, 2, 8, status}));
}

}  // namespace

TEST_CASE("a server that serves is healthy, however its answer is cut") {
  const std::string answer = kSettings + kHeaders + answer_of(1) + kTrailers;
  for (size_t size : {size_t{1}, size_t{2}, size_t{10}, answer.size()}) {
    INFO(size);
    GrpcHealthCheck check("localhost:50051", "");
    std::string replies;
    for (size_t at = 0; at < answer.size(); at += size) {
      CHECK_FALSE(check.verdict());
      replies += check.feed(std::string_view(answer).substr(at, size));
    }
    REQUIRE(check.verdict());
    CHECK(check.verdict()->serving);
    CHECK(check.verdict()->text == "SERVING");
    CHECK(replies == frame(4, 1, 0, ""));  // the settings are acknowledged
  }
}

TEST_CASE("any other status is not healthy") {
  for (int status : {0, 2, 3, 77}) {
    GrpcHealthCheck check("localhost:1", "shop.Cart");
    (void)check.feed(kSettings + kHeaders + answer_of(status) + kTrailers);
    REQUIRE(check.verdict());
    CHECK_FALSE(check.verdict()->serving);
  }
  GrpcHealthCheck left_out("localhost:1", "");  // 0 needs no bytes
  (void)left_out.feed(kHeaders + frame(0, 0, 1, bytes({0, 0, 0, 0, 0})) + kTrailers);
  CHECK(left_out.verdict()->text == "UNKNOWN");
}

TEST_CASE("pings are answered and padding is taken off") {
  GrpcHealthCheck check("localhost:1", "");
  CHECK(check.feed(frame(6, 0, 0, "12345678")) == frame(6, 1, 0, "12345678"));
  CHECK(check.feed(frame(6, 1, 0, "12345678")).empty());
  (void)check.feed(frame(0, 8, 1, bytes({3, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0})) + kTrailers);
  REQUIRE(check.verdict());
  CHECK(check.verdict()->serving);
}

TEST_CASE("an answer without a message, an end and what is not HTTP/2 are no health") {
  for (const std::string& answer :
       {kTrailers, frame(3, 0, 1, bytes({0, 0, 0, 7})), frame(7, 0, 0, "12345678"),
        std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), frame(0, 8 | 1, 1, bytes({200, 0, 0, 0, 0, 2, 8, 1}))}) {
    GrpcHealthCheck check("localhost:1", "");
    (void)check.feed(answer);
    REQUIRE(check.verdict());
    CHECK_FALSE(check.verdict()->serving);
    CHECK_FALSE(check.verdict()->text.empty());
  }
}

TEST_CASE("the service that is asked for is in the call") {
  CHECK(GrpcHealthCheck("localhost:1", "shop.Cart").request().ends_with(bytes({0, 0, 0, 0, 11, 10, 9}) + "shop.Cart"));
  CHECK(GrpcHealthCheck("localhost:1", "").request().ends_with(bytes({0, 0, 0, 0, 0})));
}
