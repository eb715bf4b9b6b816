#pragma once

#include "sys/fd.h"

namespace berth::cli {

/// SIGINT and SIGTERM as something to read instead of something that strikes. From the construction on they do not end
/// the program.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] sys::FdRef fd() const { return fd_.ref(); }
  /// The next one that has come, or 0.
  [[nodiscard]] int take() const;

 private:
  sys::UniqueFd fd_;
};

}  // namespace berth::cli
