#include "images/store_usage.h"

#include <algorithm>
#include <map>
#include <set>

#include "images/build_cache.h"
#include "images/store_sweep.h"
#include "sys/directory.h"

namespace berth::images {
namespace {

/// Something that images need: a blob, or the tree of a layer.
struct Part {
  uint64_t bytes = 0;
  int needed_by = 0;  // images
  bool in_use = false;
};

/// What is removed is the directory around fs.
std::string layer_directory(const Store& store, const Digest& id) {
  std::string tree = store.layer_path(id);
  return tree.substr(0, tree.rfind('/'));
}

Result<std::set<std::string>> parts_of(const Store& store, const Image& image) {
  BERTH_TRY(Manifest manifest, read_manifest(store, image.manifest));
  std::set<std::string> paths = {store.blob_path(image.manifest), store.blob_path(image.id)};
  for (const Descriptor& layer : manifest.layers) paths.insert(store.blob_path(layer.digest));
  for (const Digest& id : image.config.diff_ids) paths.insert(layer_directory(store, id));
  return paths;
}

}  // namespace

Result<StoreUsage> store_usage(const Store& store, const std::vector<Digest>& in_use) {
  StoreUsage usage;
  BERTH_TRY(std::vector<Image> images, store.list());
  std::map<std::string, Part> parts;
  std::vector<std::set<std::string>> needs;
  for (Image& image : images) {
    BERTH_TRY(std::set<std::string> paths, parts_of(store, image));
    bool used = std::find(in_use.begin(), in_use.end(), image.id) != in_use.end();
    for (const std::string& path : paths) {
      Part& part = parts[path];
      if (part.needed_by++ == 0) part.bytes = sys::disk_usage(path);
      part.in_use = part.in_use || used;
    }
    needs.push_back(std::move(paths));
    usage.images.push_back({std::move(image), 0, 0});
  }
  for (size_t i = 0; i < needs.size(); ++i) {
    for (const std::string& path : needs[i]) {
      const Part& part = parts[path];
      usage.images[i].total += part.bytes;
      if (part.needed_by > 1) usage.images[i].shared += part.bytes;
    }
  }
  for (const auto& [path, part] : parts) {
    usage.total += part.bytes;
    if (!part.in_use) usage.reclaimable += part.bytes;
  }
  BERTH_TRY(std::vector<CachedStep> steps, BuildCache(store).all());
  usage.build_steps = steps.size();
  for (const CachedStep& step : steps) {
    for (const std::string& path : {store.blob_path(step.layer.digest), layer_directory(store, step.diff_id)}) {
      if (parts.try_emplace(path).second) usage.build_cache += sys::disk_usage(path);
    }
  }
  return usage;
}

}  // namespace berth::images
