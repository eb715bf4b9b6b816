#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace berth {

std::string errno_name(int code) {
  const char* name = strerrorname_np(code);
  return name != nullptr ? name : "errno " + std::to_string(code);
}

std::string Error::message() const {
  std::string text;
  for (auto it = context.rbegin(); it != context.rend(); ++it) text += *it + ": ";
  text += what;
  if (code != 0) {
    const char* reason = strerrordesc_np(code);
    text += ": ";
    text += reason != nullptr ? reason : "unknown error";
    text += " (" + errno_name(code) + ")";
  }
  return text;
}

std::string Error::full() const {
  return hint.empty() ? message() : message() + "\n  hint: " + hint;
}

Error sys_error(std::string what, int code) {
  Error error;
  error.what = std::move(what);
  error.code = code;
  if (code == EMFILE) error.hint = "raise the limit on open files (ulimit -n): a container takes six of them";
  if (code == ENOSYS) error.hint = "the kernel, or a filter around berth, has no such system call: Linux 6.1 has all";
  return error;
}

Error make_error(std::string what, std::string hint) {
  Error error;
  error.what = std::move(what);
  error.hint = std::move(hint);
  return error;
}

}  // namespace berth
