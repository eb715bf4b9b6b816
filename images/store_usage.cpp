#include "images/store_usage.h"

#include <algorithm>
#include <map>
#include <set>

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

Result<std::set<std::string>> parts_of(const Store& store, const Image& image) {
  BERTH_TRY(Manifest manifest, read_manifest(store, image.manifest));
  std::set<std::string> paths = {store.blob_path(image.manifest), store.blob_path(image.id)};
  for (const Descriptor& layer : manifest.layers) paths.insert(store.blob_path(layer.digest));
  for (const Digest& id : image.config.diff_ids) {
    std::string tree = store.layer_path(id);
    paths.insert(tree.substr(0, tree.rfind('/')));  // what is removed is the directory around fs
  }
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
  return usage;
}

}  // namespace berth::images
