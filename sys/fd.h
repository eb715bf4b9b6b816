#pragma once

#include <utility>

namespace berth::sys {

/// A borrowed file descriptor: never closed by whoever holds it, must outlive the call it is given to.
/// A type of its own, so that an fd is never mistaken for a pid, a count or a uid.
class FdRef {
 public:
  constexpr explicit FdRef(int fd) : fd_(fd) {}
  [[nodiscard]] constexpr int get() const { return fd_; }
  [[nodiscard]] constexpr bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// The one owner of a file descriptor: closes it when it goes. -1 means none; 0 is a descriptor like any other.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] FdRef ref() const { return FdRef(fd_); }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

  /// Hands the descriptor over to the caller, who closes it from now on.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  /// Closes the present descriptor, if any, and owns `fd`. Keeps errno.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace berth::sys
