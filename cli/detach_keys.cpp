#include "cli/detach_keys.h"

#include "base/text.h"

namespace berth::cli {
namespace {

/// The byte that a terminal sends for the key.
std::optional<char> byte_of(const std::string& key) {
  constexpr std::string_view kControl = "ctrl-";
  if (key.size() == 1) return key.front();
  if (!key.starts_with(kControl) || key.size() != kControl.size() + 1) return std::nullopt;
  char c = key.back();
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 1);
  // '@' is 0, '[' to '_' are 27 to 31.
  return c == '@' || (c >= '[' && c <= '_') ? std::optional(static_cast<char>(c - '@')) : std::nullopt;
}

}  // namespace

Result<DetachKeys> DetachKeys::parse(const std::string& text) {
  std::string keys;
  for (const std::string& key : split(text, ',')) {
    std::optional<char> byte = byte_of(key);
    if (!byte) {
      return make_error("--detach-keys: \"" + printable(key) + "\" is no key",
                        "expected one character, or ctrl- with a letter or one of @ [ \\ ] ^ _, as in ctrl-p,ctrl-q");
    }
    keys.push_back(*byte);
  }
  return DetachKeys(std::move(keys));
}

std::optional<std::string> DetachKeys::filter(std::string_view typed) {
  std::string passed;
  for (char c : typed) {
    if (c == keys_[seen_]) {
      if (++seen_ == keys_.size()) return std::nullopt;
      continue;
    }
    passed.append(keys_, 0, seen_);
    seen_ = c == keys_.front() ? 1 : 0;
    if (seen_ == 0) passed.push_back(c);
  }
  return passed;
}

}  // namespace berth::cli
