#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "images/build_cache.h"

namespace berth::builder {

/// Steps that the builds of this process make, by key: one that several of them want is made once, without a cache too.
/// Safe for several threads.
class SharedSteps {
 public:
  struct Step {
    images::CachedStep step;
    bool made_here = false;  // by this call
  };
  using Make = std::function<Result<images::CachedStep>()>;

  /// What somebody has made under the key, waiting for whoever is at it; else what `make` makes. A step that failed is
  /// made again by the next who wants it. Error: of `make`; ECANCELED when `cancelled` has said so meanwhile.
  [[nodiscard]] Result<Step> get(const images::Digest& key, const Make& make, const std::function<bool()>& cancelled);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::optional<images::CachedStep>> steps_;  // nothing: somebody is at it
};

}  // namespace berth::builder
