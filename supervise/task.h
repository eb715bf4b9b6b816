#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace berth::supervise {

namespace asio = boost::asio;

/// A piece of work on the supervisor's one thread that may wait. Errors are values; nothing throws across it.
///
/// Two rules that g++ 12 dictates: name every non-trivial argument before `co_await f(argument)` (a temporary aggregate
/// is destroyed twice), and no statement expressions around co_await (BERTH_CO_TRY is a statement).
template <class T>
using Task = asio::awaitable<Result<T>>;
using Work = asio::awaitable<void>;

/// Completion token: the error code comes back as a value.
inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// Something that happens again and again; whoever waits wakes at the next time.
class Signal {
 public:
  explicit Signal(const asio::any_io_executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}

  void notify() { timer_.cancel(); }

  /// Until notify().
  Work wait() { (void)co_await timer_.async_wait(kAwait); }

 private:
  asio::steady_timer timer_;
};

/// Lets `run` carry `work` out elsewhere and comes back to the supervisor's thread with its result.
template <class T, class Run>
Task<T> elsewhere(Run run, std::function<Result<T>()> work) {
  auto caller = co_await asio::this_coro::executor;
  auto result = std::make_shared<std::optional<Result<T>>>();
  auto done = std::make_shared<asio::steady_timer>(caller, asio::steady_timer::time_point::max());
  run([caller, result, done, job = std::move(work)] {
    result->emplace(job());
    asio::post(caller, [done] { done->cancel(); });
  });
  (void)co_await done->async_wait(kAwait);
  co_return std::move(**result);
}

/// Runs `work` on the pool. For what blocks: links, mounts, copying.
template <class T>
Task<T> on_pool(asio::thread_pool& pool, std::function<Result<T>()> work) {
  auto run = [&pool](auto job) { asio::post(pool, std::move(job)); };
  co_return co_await elsewhere<T>(run, std::move(work));
}

/// Runs `work` in a thread of its own, or in this one if there can be no more. For what may block for long and must not
/// hold up the pool.
template <class T>
Task<T> on_thread(std::function<Result<T>()> work) {
  auto run = [](auto job) {
    try {
      std::thread(job).detach();
    } catch (const std::system_error&) {
      job();
    }
  };
  co_return co_await elsewhere<T>(run, std::move(work));
}

}  // namespace berth::supervise
