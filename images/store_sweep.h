#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "images/manifest.h"
#include "images/store.h"

namespace berth::images {

/// Leads `name` to the entry's manifest. An entry that had the name loses it, and stays without one if it was its last.
void name_entry(Index& index, Descriptor entry, const std::string& name);

/// Makes sure that the entry's manifest is in the index, without a name if it has none.
void keep_unnamed(Index& index, Descriptor entry);

/// Notes where the entry's name comes from.
[[nodiscard]] Status note_origin(Descriptor& entry, const std::string& name, const Origin& origin);

/// Removes what somebody was writing there when it was killed. Requires: nobody writes there now.
[[nodiscard]] Status remove_temporaries(const std::string& place);

/// Removes what crashed imports left. Requires: content.lock held exclusively.
[[nodiscard]] Status sweep_temporaries(const std::string& directory);

/// Removes blobs and layers that no entry of the index leads to; returns the bytes that they took on the disk. Removes
/// nothing if an entry cannot be read, since nobody knows what it needs. Requires: content.lock held exclusively since
/// before the index was read.
[[nodiscard]] Result<uint64_t> sweep_unreferenced(const Store& store, const Index& index);

/// Manifest and config from the store, not hashed.
[[nodiscard]] Result<Manifest> read_manifest(const Store& store, const Digest& digest);
[[nodiscard]] Result<ImageConfig> read_config(const Store& store, const Digest& digest);

}  // namespace berth::images
