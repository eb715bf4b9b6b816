#include "registry/backoff.h"

#include <catch2/catch.hpp>

#include "registry/answer.h"

using namespace berth;
using namespace berth::registry;
using namespace std::chrono_literals;

namespace {

Failure trouble(Failure::Kind kind, std::optional<Duration> retry_after = std::nullopt) {
  return {kind, make_error("trouble"), retry_after};
}

HttpResponse answer(int status, std::string type, std::string body) {
  HttpResponse response;
  response.url = parse_url("https://r.example/v2/").value();
  response.status = status;
  response.headers = {{"content-type", std::move(type)}};
  response.body = std::move(body);
  return response;
}

}  // namespace

TEST_CASE("waits double, and progress begins anew") {
  Backoff backoff(Patience{}, 5);
  Failure broken = trouble(Failure::Kind::transient);
  CHECK(backoff.after(broken) == Duration(500ms));
  CHECK(backoff.after(broken) == Duration(1s));
  backoff.progress();
  CHECK(backoff.after(broken) == Duration(500ms));
  CHECK(backoff.after(broken) == Duration(1s));
  CHECK(backoff.after(broken) == Duration(2s));
  CHECK(backoff.after(broken) == Duration(4s));
  CHECK_FALSE(backoff.after(broken));
}

TEST_CASE("only what may pass is tried again") {
  CHECK_FALSE(Backoff(Patience{}, 5).after(trouble(Failure::Kind::refused)));
  CHECK_FALSE(Backoff(Patience{}, 5).after(trouble(Failure::Kind::untrusted)));
  CHECK_FALSE(Backoff(Patience{}, 5).after(trouble(Failure::Kind::ours)));
  Backoff connecting(Patience{}, 5);
  CHECK(connecting.after(trouble(Failure::Kind::unreachable)));
  CHECK(connecting.after(trouble(Failure::Kind::unreachable)));
  CHECK_FALSE(connecting.after(trouble(Failure::Kind::unreachable)));
}

TEST_CASE("the server's wish is granted up to a minute") {
  CHECK(Backoff(Patience{}, 5).after(trouble(Failure::Kind::transient, 17s)) == Duration(17s));
  CHECK_FALSE(Backoff(Patience{}, 5).after(trouble(Failure::Kind::transient, 61s)));
}

TEST_CASE("a refusal says who refused what and why") {
  auto text = [](const HttpResponse& response) { return refusal(response, "manifest a:1").error.message(); };
  CHECK(text(answer(404, "application/json",
                    R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]})")) ==
        "r.example: manifest a:1: 404 Not Found: manifest unknown");
  CHECK(text(answer(401, "application/json", R"({"details":"incorrect username or password"})")) ==
        "r.example: manifest a:1: 401 Unauthorized: incorrect username or password");
  CHECK(text(answer(502, "text/html", "<h1>no</h1>")) == "r.example: manifest a:1: 502 Bad Gateway");
  CHECK(text(answer(418, "text/plain", "tea\x1b[1m")) == "r.example: manifest a:1: status 418: tea\\x1b[1m");
  CHECK(refusal(answer(429, "", ""), "x").kind == Failure::Kind::transient);
  CHECK(refusal(answer(403, "", ""), "x").kind == Failure::Kind::refused);
}

TEST_CASE("Retry-After comes in seconds or as a date") {
  HttpResponse response = answer(503, "", "");
  CHECK_FALSE(retry_after(response));
  response.headers = {{"retry-after", "7"}};
  CHECK(retry_after(response) == Duration(7s));
  response.headers = {{"retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"}};
  CHECK(retry_after(response) == Duration(0s));
  response.headers = {{"retry-after", "soon"}};
  CHECK_FALSE(retry_after(response));
}
