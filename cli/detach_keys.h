#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::cli {

/// Finds the keys by which one leaves a container in what is typed, as Docker does: "ctrl-p,ctrl-q".
class DetachKeys {
 public:
  /// Keys separated by commas, each one character or ctrl- with a letter or one of @ [ \ ] ^ _. Error: names the key.
  [[nodiscard]] static Result<DetachKeys> parse(const std::string& text);

  /// What of `typed` goes on to the container. Nothing once the keys are complete. What may be their beginning is held
  /// back until it is known.
  [[nodiscard]] std::optional<std::string> filter(std::string_view typed);

 private:
  explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}

  std::string keys_;
  size_t seen_ = 0;  // of them, at the end of what was typed so far
};

}  // namespace berth::cli
