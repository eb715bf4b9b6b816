#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "images/digest.h"

namespace berth::builder {

/// The key under which the cache has a step: of the file system below, and of everything that the step reads. Parts are
/// told apart by their lengths, so that no two lists of parts are alike.
class StepKey {
 public:
  StepKey(const images::Digest& below, std::string_view kind);
  StepKey& add(std::string_view part);
  StepKey& add(const std::vector<std::string>& parts);
  [[nodiscard]] images::Digest digest() const { return hash_.digest(); }

 private:
  images::Sha256 hash_;
};

/// "8080", "8080/udp", "8000-8010": each as "8000/tcp".
[[nodiscard]] Result<std::vector<std::string>> exposed_ports(const std::string& word);

/// "30s", "1m30s", "1.5h".
[[nodiscard]] Result<Duration> go_duration(const std::string& text);

}  // namespace berth::builder
