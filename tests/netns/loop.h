#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <thread>

#include "lab.h"

namespace lab {

/// An io_context that runs on a thread in that namespace, as the supervisor's does in the host's.
class Loop {
 public:
  explicit Loop(const Netns& where)
      : work_(boost::asio::make_work_guard(io)), thread_([this, &where] {
          (void)where.run([this]() -> berth::Status {
            io.run();
            return {};
          });
        }) {}
  ~Loop() {
    io.stop();
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs on the loop's thread and waits.
  void call(std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  boost::asio::io_context io{1};

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace lab
