#include "supervise/native_probe.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "base/text.h"
#include "supervise/grpc_health.h"

namespace berth::supervise {
namespace {

using asio::ip::tcp;
constexpr size_t kMaxAnswer = 4096;

struct Verdict {
  bool healthy = false;
  std::string text;
};

/// One conversation with a service. What its handlers touch lives as long as they do.
struct Talk {
  explicit Talk(asio::io_context& io) : socket(io), deadline(io) {}

  tcp::socket socket;
  asio::steady_timer deadline;
  bool over = false, late = false;

  void end() {
    over = true;
    boost::system::error_code ignored;  // nothing is left to do with it
    socket.close(ignored);
  }
};
using TalkPtr = std::shared_ptr<Talk>;

std::vector<std::string> addresses_of(const std::string& host) {
  if (host == "localhost") return {"127.0.0.1", "::1"};
  return {host};
}

std::string authority_of(const std::vector<std::string>& test) {
  bool v6 = test[1].find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", test[1], v6 ? "]" : "", test[2]);
}

/// A socket that belongs to `netns`, whoever uses it.
Task<void> open_in(TalkPtr talk, asio::thread_pool& pool, const sys::Netns& netns, tcp protocol) {
  std::function<Result<int>()> work = [&netns, protocol]() -> Result<int> {
    sys::UniqueFd fd;
    std::function<Status()> open = [&fd, protocol]() -> Status {
      fd = sys::UniqueFd(socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      return fd.valid() ? Status() : sys_error("socket", errno);
    };
    BERTH_TRY_OK(netns.run(open));
    return fd.release();
  };
  BERTH_CO_TRY(int fd, co_await on_pool<int>(pool, std::move(work)));
  boost::system::error_code failed;
  if (talk->socket.is_open()) talk->socket.close(failed);
  talk->socket.assign(protocol, fd, failed);
  if (failed) co_return sys_error("socket", failed.value());
  co_return Status();
}

Task<void> reach(TalkPtr talk, asio::thread_pool& pool, const sys::Netns& netns, const std::vector<std::string>& test) {
  std::optional<Error> first;  // of the family that everybody has
  for (const std::string& address : addresses_of(test[1])) {
    boost::system::error_code invalid;  // it has been checked when the file was read
    tcp::endpoint endpoint(asio::ip::make_address(address, invalid),
                           static_cast<uint16_t>(parse_unsigned(test[2]).value_or(0)));
    BERTH_CO_TRY_OK(co_await open_in(talk, pool, netns, endpoint.protocol()));
    if (talk->over) break;
    auto [failed] = co_await talk->socket.async_connect(endpoint, kAwait);
    if (!failed) co_return Status();
    if (!first) first = sys_error(fmt::format("connect to {}:{}", address, test[2]), failed.value());
  }
  co_return first ? std::move(*first) : sys_error("connect to " + authority_of(test), ECANCELED);
}

/// What has come, after at least one byte more; nothing at the end.
asio::awaitable<std::string> more_of(TalkPtr talk) {
  std::string bytes(kMaxAnswer, '\0');
  auto [failed, size] = co_await talk->socket.async_read_some(asio::buffer(bytes), kAwait);
  bytes.resize(failed ? 0 : size);
  co_return bytes;
}

Verdict read_http(const std::string& answer) {
  size_t line_end = std::min(answer.find("\r\n"), answer.size()), head_end = answer.find("\r\n\r\n");
  std::string line = answer.substr(0, line_end);
  size_t space = line.find(' ');
  const std::string code = space == std::string::npos ? "" : line.substr(space + 1, 3);
  const unsigned long long status = parse_unsigned(code).value_or(0);
  if (!line.starts_with("HTTP/") || status == 0) return {false, "the answer is not HTTP: " + line};
  if (status >= 200 && status <= 399) return {true, line};
  std::string body = head_end == std::string::npos ? "" : answer.substr(head_end + 4);
  return {false, body.empty() ? line : line + "\n" + body};
}

asio::awaitable<Verdict> ask_http(TalkPtr talk, const std::vector<std::string>& test) {
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: berth\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                  test[3], authority_of(test));
  auto [failed, sent] = co_await asio::async_write(talk->socket, asio::buffer(request), kAwait);
  if (failed) co_return Verdict{false, "send the request: " + failed.message()};
  std::string answer;
  while (answer.size() < kMaxAnswer && answer.find("\r\n\r\n") == std::string::npos) {
    std::string more = co_await more_of(talk);
    if (more.empty()) break;
    answer += more;
  }
  if (answer.empty()) co_return Verdict{false, "the connection ended without an answer"};
  co_return read_http(answer);
}

asio::awaitable<Verdict> ask_grpc(TalkPtr talk, const std::vector<std::string>& test) {
  GrpcHealthCheck check(authority_of(test), test[3]);
  std::string to_send = check.request();
  while (!check.verdict()) {
    auto [failed, sent] = co_await asio::async_write(talk->socket, asio::buffer(to_send), kAwait);
    if (failed) co_return Verdict{false, "send the request: " + failed.message()};
    std::string answer = co_await more_of(talk);
    if (answer.empty()) co_return Verdict{false, "the connection ended without an answer"};
    to_send = check.feed(answer);
  }
  co_return Verdict{check.verdict()->serving, check.verdict()->text};
}

asio::awaitable<Verdict> ask(TalkPtr talk, asio::thread_pool& pool, const sys::Netns& netns,
                             const std::vector<std::string>& test) {
  Status connected = co_await reach(talk, pool, netns, test);
  if (!connected) co_return Verdict{false, connected.error().message()};
  if (test[0] == "HTTP") co_return co_await ask_http(talk, test);
  if (test[0] == "GRPC") co_return co_await ask_grpc(talk, test);
  co_return Verdict{true, "connected to " + authority_of(test)};
}

}  // namespace

bool is_native_probe(const std::vector<std::string>& test) {
  constexpr size_t kFields = 4;
  return test.size() == kFields && (test[0] == "HTTP" || test[0] == "TCP" || test[0] == "GRPC");
}

asio::awaitable<engine::ProbeResult> probe_natively(asio::io_context& io, asio::thread_pool& pool, sys::Netns netns,
                                                    std::vector<std::string> test, Duration timeout,
                                                    std::shared_ptr<ProbeStop> stop) {
  engine::ProbeResult result;
  result.start_ns = wall_clock_ns();
  auto talk = std::make_shared<Talk>(io);
  talk->deadline.expires_after(timeout);
  talk->deadline.async_wait([talk](boost::system::error_code cancelled) {
    if (cancelled) return;
    talk->late = true;
    talk->end();
  });
  stop->now = [talk] { talk->end(); };
  Verdict verdict = co_await ask(talk, pool, netns, test);
  stop->now = nullptr;
  talk->deadline.cancel();
  talk->end();
  result.end_ns = wall_clock_ns();
  result.exit_code = talk->late ? -1 : verdict.healthy ? 0 : 1;
  result.output = talk->late ? fmt::format("Health check exceeded timeout ({})", format_duration(timeout))
                             : verdict.text.substr(0, kMaxAnswer);
  co_return result;
}

}  // namespace berth::supervise
