#include "images/commit.h"

#include "base/clock.h"
#include "images/reference.h"
#include "images/tree_tar.h"

namespace berth::images {
namespace {

Result<std::vector<std::string>> new_names(const std::string& text) {
  std::vector<std::string> names;
  if (text.empty()) return names;
  BERTH_TRY(Reference reference, parse_reference(text));
  if (reference.digest) return make_error("image reference \"" + text + "\": a new name cannot have a digest");
  names.push_back(reference.name());
  return names;
}

}  // namespace

Result<StoredLayer> store_layer_diff(const Store& store, const ImportLease& lease, sys::FdRef upper,
                                     const TreeTar::Changes& changes) {
  BERTH_TRY(LayerSink sink, LayerSink::begin(store, lease, {}));
  TarWriter tar([&](std::string_view bytes) { return sink.write(bytes); });
  BERTH_TRY_OK(write_layer_diff(upper, tar, changes));
  return sink.finish();
}

Result<Image> commit_layer(Store& store, sys::FdRef upper, const CommitRequest& request) {
  BERTH_TRY(std::vector<std::string> names, new_names(request.name));
  BERTH_TRY(ImportLease lease, store.begin_import());
  BERTH_TRY(Image base, store.resolve(request.base.str()));
  BERTH_TRY(std::string manifest_json, store.read_blob(base.manifest));
  BERTH_TRY(Manifest manifest, parse_manifest(manifest_json));
  BERTH_TRY(StoredLayer layer, store_layer_diff(store, lease, upper));
  ImageConfig config = request.config;
  config.created = format_rfc3339(wall_clock_ns());
  config.author = request.author;
  config.diff_ids = base.config.diff_ids;
  config.diff_ids.push_back(layer.diff_id);
  config.history = base.config.history;
  config.history.push_back({config.created, request.created_by, request.author, request.comment, false});
  manifest.layers.push_back(layer.descriptor);
  return store.publish(lease, render_image_config(config), manifest.layers, names);
}

}  // namespace berth::images
