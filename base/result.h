#pragma once

#include <fmt/core.h>

#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace berth {

/// A value or the Error that stood in its way. Ignoring one is a warning, and warnings are errors in CI.
///
/// Return either a T or an Error; both convert. Read with `ok()`, `value()`, `error()`, or leave early with
/// BERTH_TRY / BERTH_TRY_OK.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}                    // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return *state_; }
  [[nodiscard]] const T& value() const& { return *state_; }
  [[nodiscard]] T&& value() && { return *std::move(state_); }
  [[nodiscard]] T& operator*() { return *state_; }
  [[nodiscard]] const T& operator*() const { return *state_; }
  [[nodiscard]] T* operator->() { return &*state_; }
  [[nodiscard]] const T* operator->() const { return &*state_; }
  [[nodiscard]] T value_or(T fallback) && { return std::move(state_).value_or(std::move(fallback)); }

  [[nodiscard]] Error& error() & { return state_.error(); }
  [[nodiscard]] const Error& error() const& { return state_.error(); }
  [[nodiscard]] Error&& error() && { return std::move(state_).error(); }

  /// Says what was being attempted, in the words of the caller; formatted only if there is an error.
  template <class... Args>
  Result context(fmt::format_string<Args...> format, Args&&... args) && {
    if (!ok()) state_.error().context.push_back(fmt::format(format, std::forward<Args>(args)...));
    return std::move(*this);
  }

 private:
  tl::expected<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] Error& error() & { return state_.error(); }
  [[nodiscard]] const Error& error() const& { return state_.error(); }
  [[nodiscard]] Error&& error() && { return std::move(state_).error(); }

  template <class... Args>
  Result context(fmt::format_string<Args...> format, Args&&... args) && {
    if (!ok()) state_.error().context.push_back(fmt::format(format, std::forward<Args>(args)...));
    return std::move(*this);
  }

 private:
  tl::expected<void, Error> state_;
};

using Status = Result<void>;

}  // namespace berth

#define BERTH_CONCAT_(a, b) a##b
#define BERTH_CONCAT(a, b) BERTH_CONCAT_(a, b)

// Statements, never expressions: a statement-expression around co_await crashes g++ 12 (docs/bugs.md).
#define BERTH_TRY_AS_(tmp, ret, decl, ...)   \
  auto&& tmp = (__VA_ARGS__);                \
  if (!tmp.ok()) ret std::move(tmp).error(); \
  decl = std::move(tmp).value()
#define BERTH_TRY_OK_AS_(tmp, ret, ...)        \
  do {                                         \
    auto&& tmp = (__VA_ARGS__);                \
    if (!tmp.ok()) ret std::move(tmp).error(); \
  } while (false)

/// BERTH_TRY(auto fd, open_at(dir, "x")): declares fd from the value, or returns the error from this function.
#define BERTH_TRY(decl, ...) BERTH_TRY_AS_(BERTH_CONCAT(berth_try_, __COUNTER__), return, decl, __VA_ARGS__)
#define BERTH_TRY_OK(...) BERTH_TRY_OK_AS_(BERTH_CONCAT(berth_try_, __COUNTER__), return, __VA_ARGS__)
/// The same inside a coroutine.
#define BERTH_CO_TRY(decl, ...) BERTH_TRY_AS_(BERTH_CONCAT(berth_try_, __COUNTER__), co_return, decl, __VA_ARGS__)
#define BERTH_CO_TRY_OK(...) BERTH_TRY_OK_AS_(BERTH_CONCAT(berth_try_, __COUNTER__), co_return, __VA_ARGS__)
