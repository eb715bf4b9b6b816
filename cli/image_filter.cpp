#include "cli/image_filter.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "cli/timestamp.h"
#include "images/reference.h"

namespace berth::cli {
namespace {

int64_t created_ns(const images::Image& image) {
  return parse_rfc3339(image.created).value_or(0);
}

bool matches_pattern(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
}

Error bad_value(const std::string& key, const std::string& value, const char* expected) {
  return make_error(fmt::format("filter {}={}: expected {}", key, printable(value), expected));
}

Result<bool> parse_bool(const std::string& key, const std::string& value) {
  std::string word = to_lower(value);
  if (word == "true" || word == "1" || word == "t") return true;
  if (word == "false" || word == "0" || word == "f") return false;
  return bad_value(key, value, "true or false");
}

}  // namespace

Result<ImageFilter> ImageFilter::parse(const std::vector<std::string>& filters, const std::vector<std::string>& allowed,
                                       const images::Store& store) {
  ImageFilter filter;
  for (const std::string& text : filters) {
    size_t equals = text.find('=');
    if (equals == std::string::npos)
      return make_error(fmt::format("filter \"{}\": expected KEY=VALUE", printable(text)));
    std::string key = text.substr(0, equals);
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      std::optional<std::string> near = nearest(key, allowed);
      return make_error(fmt::format("invalid filter '{}'", printable(key)),
                        near ? "did you mean \"" + *near + "\"?" : "expected one of " + join(allowed, ", "));
    }
    BERTH_TRY_OK(filter.add(key, text.substr(equals + 1), store));
  }
  return filter;
}

Status ImageFilter::add(const std::string& key, const std::string& value, const images::Store& store) {
  if (key == "reference") {
    references_.push_back(value);
  } else if (key == "dangling") {
    BERTH_TRY(dangling_, parse_bool(key, value));
  } else if (key == "label" || key == "label!") {
    size_t equals = value.find('=');
    std::optional<std::string> wanted;
    if (equals != std::string::npos) wanted = value.substr(equals + 1);
    labels_.push_back({value.substr(0, equals), std::move(wanted), key == "label"});
  } else if (key == "until") {
    before_ = parse_moment(value, wall_clock_ns());
    if (!before_) return bad_value(key, value, "a time like 2026-11-21T10:00:00 or a duration like 24h");
  } else {
    BERTH_TRY(images::Image image, store.resolve(value).context("filter {}", key));
    (key == "before" ? before_ : since_) = created_ns(image);
  }
  return {};
}

bool ImageFilter::matches(const images::Image& image) const {
  if (dangling_ && *dangling_ != image.names.empty()) return false;
  if (before_ && created_ns(image) >= *before_) return false;
  if (since_ && created_ns(image) <= *since_) return false;
  for (const Label& label : labels_) {
    auto found = image.config.labels.find(label.name);
    bool has = found != image.config.labels.end() && (!label.value || *label.value == found->second);
    if (has != label.wanted) return false;
  }
  return references_.empty() ||
         std::any_of(image.names.begin(), image.names.end(), [&](const std::string& name) { return shows(name); });
}

bool ImageFilter::shows(const std::string& name) const {
  if (references_.empty()) return true;
  Result<images::Reference> reference = images::parse_reference(name);
  if (!reference) return false;
  return std::any_of(references_.begin(), references_.end(), [&](const std::string& pattern) {
    return matches_pattern(pattern, reference->familiar()) ||
           matches_pattern(pattern, reference->familiar_repository());
  });
}

}  // namespace berth::cli
