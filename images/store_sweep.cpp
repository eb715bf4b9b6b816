#include "images/store_sweep.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "images/build_cache.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace berth::images {
namespace {

constexpr std::string_view kTemporary = ".tmp-";

struct Needed {
  std::set<std::string> blobs;   // hex
  std::set<std::string> layers;  // hex
};

Result<Needed> mark(const Store& store, const Index& index) {
  Needed needed;
  for (const Descriptor& entry : index.manifests) {
    if (!needed.blobs.insert(entry.digest.hex()).second) continue;
    BERTH_TRY(Manifest manifest, read_manifest(store, entry.digest));
    BERTH_TRY(ImageConfig config, read_config(store, manifest.config.digest));
    needed.blobs.insert(manifest.config.digest.hex());
    for (const Descriptor& layer : manifest.layers) needed.blobs.insert(layer.digest.hex());
    for (const Digest& diff_id : config.diff_ids) needed.layers.insert(diff_id.hex());
  }
  BERTH_TRY(std::vector<CachedStep> cached, BuildCache(store).all());
  for (const CachedStep& step : cached) {
    needed.blobs.insert(step.layer.digest.hex());
    needed.layers.insert(step.diff_id.hex());
  }
  return needed;
}

}  // namespace

void name_entry(Index& index, Descriptor entry, const std::string& name) {
  std::string key(kAnnotationRefName);
  std::optional<Descriptor> displaced;
  std::erase_if(index.manifests, [&](const Descriptor& one) {
    bool has_name = one.annotation(kAnnotationRefName) == name;
    if (has_name && one.digest != entry.digest) displaced = one;
    bool unnamed_twin = one.digest == entry.digest && one.annotation(kAnnotationRefName).empty();
    return has_name || unnamed_twin;
  });
  entry.annotations[key] = name;
  index.manifests.push_back(std::move(entry));
  if (displaced) keep_unnamed(index, std::move(*displaced));
}

void keep_unnamed(Index& index, Descriptor entry) {
  bool there = std::any_of(index.manifests.begin(), index.manifests.end(),
                           [&](const Descriptor& one) { return one.digest == entry.digest; });
  if (there) return;
  entry.annotations.erase(std::string(kAnnotationRefName));
  index.manifests.push_back(std::move(entry));
}

Status remove_temporaries(const std::string& place) {
  BERTH_TRY(auto names, sys::list_dir(place));
  for (const std::string& name : names) {
    if (name.starts_with(kTemporary)) BERTH_TRY_OK(sys::remove_tree(place + "/" + name));
  }
  return {};
}

Status sweep_temporaries(const std::string& directory) {
  const std::string cache = directory + "/build-cache";
  if (sys::exists(cache)) BERTH_TRY_OK(remove_temporaries(cache));
  BERTH_TRY_OK(remove_temporaries(directory + "/blobs/sha256"));
  return remove_temporaries(directory + "/layers");
}

Result<uint64_t> sweep_unreferenced(const Store& store, const Index& index) {
  BERTH_TRY(Needed needed, mark(store, index));
  BERTH_TRY_OK(sweep_temporaries(store.directory()));
  uint64_t freed = 0;
  std::string layers = store.directory() + "/layers/";
  BERTH_TRY(auto trees, sys::list_dir(layers));
  for (const std::string& name : trees) {
    if (needed.layers.contains(name)) continue;
    // First out of its place: half removed, it must not be taken for a layer.
    std::string doomed = layers + std::string(kTemporary) + "removed-" + name;
    if (rename((layers + name).c_str(), doomed.c_str()) != 0) return sys_error("rename " + layers + name, errno);
    freed += sys::disk_usage(doomed);
    BERTH_TRY_OK(sys::remove_tree(doomed));
  }
  std::string blobs = store.directory() + "/blobs/sha256/";
  BERTH_TRY(auto files, sys::list_dir(blobs));
  for (const std::string& name : files) {
    if (needed.blobs.contains(name)) continue;
    freed += sys::disk_usage(blobs + name);
    if (unlink((blobs + name).c_str()) != 0 && errno != ENOENT) return sys_error("remove " + blobs + name, errno);
  }
  return freed;
}

}  // namespace berth::images
