#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "images/reference.h"
#include "images/store.h"

// How a name or an id that a user wrote finds its manifest.

namespace berth::images {
namespace {

constexpr std::string_view kIdPrefix = "sha256:";

bool is_hex(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// "repo:tag", or the digest under a repository: the one that the entry was pulled by, or its manifest's own.
bool answers_to(const Descriptor& entry, const Reference& wanted) {
  std::string name = entry.annotation(kAnnotationRefName);
  if (name.empty()) return false;
  if (!wanted.digest) return name == wanted.name();
  std::string repository = wanted.repository();
  if (name == repository + "@" + wanted.digest->str()) return true;
  bool same_repository = name.starts_with(repository + ":") || name.starts_with(repository + "@");
  return same_repository && (entry.digest == *wanted.digest ||
                             entry.annotation(kAnnotationOrigin) == repository + "@" + wanted.digest->str());
}

}  // namespace

Result<Digest> Store::find(const Index& index, const std::string& text) const {
  std::string_view id = text;
  bool only_id = id.starts_with(kIdPrefix);
  if (only_id) id.remove_prefix(kIdPrefix.size());
  if (!only_id && !(id.size() == 64 && is_hex(id))) {
    BERTH_TRY(Reference wanted, parse_reference(text));
    for (const Descriptor& entry : index.manifests) {
      if (answers_to(entry, wanted)) return entry.digest;
    }
  }
  if (!is_hex(id)) return not_found(index, text);
  std::optional<Digest> found, found_id;
  for (const Descriptor& entry : index.manifests) {
    auto candidate = image_id(entry);
    if (!candidate || !std::string_view(candidate->str()).substr(kIdPrefix.size()).starts_with(id)) continue;
    if (found_id && *found_id != *candidate) {
      return make_error(fmt::format("image id {} is the beginning of several ids", text), "give more digits of it");
    }
    found = entry.digest;
    found_id = std::move(candidate).value();
  }
  if (found) return *std::move(found);
  return not_found(index, text);
}

Error Store::not_found(const Index& index, const std::string& text) const {
  std::vector<std::string> names;
  for (const Descriptor& entry : index.manifests) {
    std::string name = entry.annotation(kAnnotationRefName);
    if (!name.empty()) names.push_back(familiar_name(name));
  }
  std::string shown = printable(text);
  std::string how = fmt::format(
      "bring it in with: berth image pull {}, berth load -i ARCHIVE, or berth import ROOTFS.tar {}", shown, shown);
  auto reference = parse_reference(text);
  // Compared in the short form with the tag, since that is what both sides would write.
  std::optional<std::string> near = nearest(reference ? reference->familiar() : text, names);
  Error error = make_error(fmt::format("image \"{}\" is not in the store", printable(text)),
                           near ? fmt::format("did you mean \"{}\"? Otherwise {}", printable(*near), how) : how);
  error.code = ENOENT;
  return error;
}

}  // namespace berth::images
