#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace berth::netns {

/// libnftables, loaded when it is made: the library and what it needs cost a program that never touches a rule nothing.
/// It speaks to the network namespace of the thread that makes it.
class NftLibrary {
 public:
  /// Error with code ELIBACC if the library is not installed.
  [[nodiscard]] static Result<NftLibrary> load();
  ~NftLibrary();
  NftLibrary(NftLibrary&&) noexcept;
  NftLibrary& operator=(NftLibrary&&) noexcept;

  /// Runs commands in the language of nft(8) as one transaction. The error has the library's own words and errno.
  [[nodiscard]] Status run(const std::string& commands);
  /// What the commands print, as JSON (libnftables-json(5)).
  [[nodiscard]] Result<std::string> query(const std::string& commands);

 private:
  struct Impl;
  explicit NftLibrary(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::netns
