#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "images/reference.h"
#include "images/store.h"
#include "images/store_sweep.h"

// What the store remembers of the registries that images came from.

namespace berth::images {

Status note_origin(Descriptor& entry, const std::string& name, const Origin& origin) {
  BERTH_TRY(Reference reference, parse_reference(name));
  entry.annotations[std::string(kAnnotationOrigin)] = reference.repository() + "@" + origin.digest.str();
  entry.annotations[std::string(kAnnotationOriginChecked)] = std::to_string(origin.checked);
  return {};
}

namespace {

Descriptor* entry_of(Index& index, const Reference& reference) {
  std::string name = reference.store_name();
  auto entry = std::find_if(index.manifests.begin(), index.manifests.end(),
                            [&](const Descriptor& one) { return one.annotation(kAnnotationRefName) == name; });
  return entry == index.manifests.end() ? nullptr : &*entry;
}

}  // namespace

Result<std::optional<Origin>> Store::origin(const Reference& reference) const {
  BERTH_TRY(Index index, read_index());
  const Descriptor* entry = entry_of(index, reference);
  if (entry == nullptr) return std::optional<Origin>();
  std::string noted = entry->annotation(kAnnotationOrigin);
  size_t at = noted.find('@');
  if (at == std::string::npos) return std::optional<Origin>();
  BERTH_TRY(Digest digest, Digest::parse(noted.substr(at + 1)));
  unsigned long long checked = parse_unsigned(entry->annotation(kAnnotationOriginChecked)).value_or(0);
  return std::optional<Origin>(Origin{std::move(digest), static_cast<int64_t>(checked)});
}

Status Store::set_origin(const Reference& reference, const Origin& origin) {
  BERTH_TRY(auto lock, lock_index());
  BERTH_TRY(Index index, read_index());
  Descriptor* entry = entry_of(index, reference);
  if (entry == nullptr) return {};
  BERTH_TRY_OK(note_origin(*entry, reference.store_name(), origin));
  return write_index(index);
}

}  // namespace berth::images
