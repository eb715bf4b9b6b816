#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "images/store.h"

namespace berth::cli {

/// `--filter` of the image commands: all kinds must hold, of one kind (labels aside) one.
class ImageFilter {
 public:
  /// `allowed`: the keys that this command takes. `before` and `since` name images of `store`. Error: an unknown key
  /// with the nearest one, a value that is not understood, no such image.
  [[nodiscard]] static Result<ImageFilter> parse(const std::vector<std::string>& filters,
                                                 const std::vector<std::string>& allowed, const images::Store& store);

  [[nodiscard]] bool matches(const images::Image& image) const;
  /// Whether the full name is one of those that the filter by reference leaves; true where there is none.
  [[nodiscard]] bool shows(const std::string& name) const;
  /// What `dangling` says, which does not count any more: to `prune` it only says whether images with names are meant.
  [[nodiscard]] std::optional<bool> take_dangling() { return std::exchange(dangling_, std::nullopt); }

 private:
  Status add(const std::string& key, const std::string& value, const images::Store& store);

  std::vector<std::string> references_;
  std::optional<bool> dangling_;
  struct Label {
    std::string name;
    std::optional<std::string> value;  // nothing: any
    bool wanted = true;
  };
  std::vector<Label> labels_;
  std::optional<int64_t> before_, since_;  // ns: made earlier, made later
};

}  // namespace berth::cli
