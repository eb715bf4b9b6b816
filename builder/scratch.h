#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "sys/paths.h"

namespace berth::builder {

/// A directory where a step works; gone with this.
class Scratch {
 public:
  [[nodiscard]] static Result<Scratch> make(const sys::Paths& paths);
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  [[nodiscard]] const std::string& path() const { return path_; }

  /// What killed builds left. Requires: no build is under way.
  static void sweep(const sys::Paths& paths);

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace berth::builder
