#include "images/store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "images/blob_writer.h"
#include "images/reference.h"
#include "images/store_sweep.h"
#include "sys/file.h"

namespace berth::images {
namespace {

constexpr std::string_view kLayout = R"({"imageLayoutVersion":"1.0.0"})";
constexpr size_t kIndexLimit = 64 << 20;

Error damaged(const std::string& what, const std::string& path) {
  return make_error(fmt::format("image store: {} ({})", what, path),
                    "see who else writes to that directory, or remove it and load the images again");
}

/// Overlayfs wants each directory once; below the topmost use of a layer, a second one changes nothing.
std::vector<std::string> lower_directories(const Store& store, const std::vector<Digest>& diff_ids) {
  std::vector<std::string> directories;
  std::set<Digest> seen;
  for (auto id = diff_ids.rbegin(); id != diff_ids.rend(); ++id) {
    if (seen.insert(*id).second) directories.push_back(store.layer_path(*id));
  }
  return directories;
}

}  // namespace

std::string Image::display_name() const {
  return names.empty() ? id.short_hex() : familiar_name(names.front());
}

Result<Store> Store::open(const sys::Paths& paths) {
  return open_directory(paths.images());
}

Result<Store> Store::open_directory(const std::string& directory) {
  Store store(directory);
  std::string layout = directory + "/oci-layout";
  if (sys::exists(layout)) return store;
  BERTH_TRY_OK(sys::make_dirs(directory, 0700).context("make the image store"));
  BERTH_TRY(auto lock, store.lock_index());
  if (sys::exists(layout)) return store;
  // A kill in the midst of what follows leaves an index of nothing.
  bool begun = sys::exists(directory + "/index.json");
  Result<Index> index = begun ? store.read_index() : Index{};
  if (!index || !index->manifests.empty()) return damaged("there is an index.json but no oci-layout", directory);
  BERTH_TRY_OK(sys::make_dirs(directory + "/blobs/sha256", 0755));
  BERTH_TRY_OK(sys::make_dirs(directory + "/layers", 0700));
  BERTH_TRY_OK(store.write_index(Index{}));
  // Last: where this file is, the rest is complete.
  BERTH_TRY_OK(sys::write_file_atomic(layout, kLayout, sys::Durability::disk));
  return store;
}

std::string Store::blob_path(const Digest& digest) const {
  return directory_ + "/blobs/sha256/" + digest.hex();
}
std::string Store::layer_path(const Digest& diff_id) const {
  return directory_ + "/layers/" + diff_id.hex() + "/fs";
}
bool Store::has_blob(const Digest& digest) const {
  return sys::exists(blob_path(digest));
}
bool Store::has_layer(const Digest& diff_id) const {
  return sys::exists(layer_path(diff_id));
}

Result<sys::FileLock> Store::lock_index() const {
  return sys::FileLock::acquire(directory_ + "/index.lock");
}

Result<Index> Store::read_index() const {
  std::string path = directory_ + "/index.json";
  BERTH_TRY(std::string text, sys::read_file(path, kIndexLimit).context("image store"));
  return parse_index(text).context("{}", path);
}

Status Store::write_index(const Index& index) const {
  BERTH_TRY_OK(remove_temporaries(directory_));  // of who held index.lock before us
  return sys::write_file_atomic(directory_ + "/index.json", render_index(index), sys::Durability::disk)
      .context("image store");
}

Result<std::string> Store::read_blob(const Digest& digest, size_t limit) const {
  BERTH_TRY(std::string bytes, sys::read_file(blob_path(digest), limit).context("image store"));
  Digest found = sha256_of(bytes);
  if (found != digest) return digest_mismatch("image store: blob", digest, found);
  return bytes;
}

/// Not hashed: what is in the store was verified when it came in, and this is in the path of every start.
Result<Manifest> read_manifest(const Store& store, const Digest& digest) {
  BERTH_TRY(std::string text, sys::read_file(store.blob_path(digest), kMetadataLimit).context("image store"));
  return parse_manifest(text).context("manifest {}", digest.short_hex());
}

Result<ImageConfig> read_config(const Store& store, const Digest& digest) {
  BERTH_TRY(std::string text, sys::read_file(store.blob_path(digest), kMetadataLimit).context("image store"));
  return parse_image_config(text).context("image {}", digest.short_hex());
}

Result<Digest> Store::image_id(const Descriptor& entry) const {
  std::string noted = entry.annotation(kAnnotationImageId);
  if (!noted.empty()) return Digest::parse(noted);
  BERTH_TRY(Manifest manifest, read_manifest(*this, entry.digest));  // an entry that another program wrote
  return manifest.config.digest;
}

Result<Image> Store::load_image(const Digest& digest, const Index& index) const {
  BERTH_TRY(Manifest manifest, read_manifest(*this, digest));
  BERTH_TRY(ImageConfig config, read_config(*this, manifest.config.digest));
  Image image{manifest.config.digest, digest, {}, {}, std::move(config), {}, manifest.config.size, {}};
  if (manifest.layers.size() != image.config.diff_ids.size()) {
    return make_error(fmt::format("image {}: manifest has {} layers, config {}", image.id.short_hex(),
                                  manifest.layers.size(), image.config.diff_ids.size()));
  }
  for (const Descriptor& layer : manifest.layers) image.size += layer.size;
  image.layer_dirs = lower_directories(*this, image.config.diff_ids);
  for (const std::string& directory : image.layer_dirs) {
    if (!sys::exists(directory)) {
      Error error = sys_error(fmt::format("image {}: its layer {}", image.id.short_hex(), directory), ENOENT);
      error.hint = "load or import the image again; its layer is unpacked anew";
      return error;
    }
  }
  for (const Descriptor& entry : index.manifests) {
    if (entry.digest != digest) continue;
    std::string name = entry.annotation(kAnnotationRefName), origin = entry.annotation(kAnnotationOrigin);
    if (!name.empty()) image.names.push_back(std::move(name));
    if (!origin.empty()) image.repo_digests.push_back(std::move(origin));
  }
  std::sort(image.names.begin(), image.names.end());
  std::sort(image.repo_digests.begin(), image.repo_digests.end());
  image.repo_digests.erase(std::unique(image.repo_digests.begin(), image.repo_digests.end()), image.repo_digests.end());
  image.created = image.config.created;
  return image;
}

Result<Image> Store::resolve(const std::string& name_or_id) const {
  BERTH_TRY(Index index, read_index());
  BERTH_TRY(Digest manifest, find(index, name_or_id));
  return load_image(manifest, index);
}

Result<std::vector<Image>> Store::list(std::vector<Error>* failures) const {
  BERTH_TRY(Index index, read_index());
  std::vector<Image> images;
  std::set<Digest> seen;
  for (const Descriptor& entry : index.manifests) {
    if (!seen.insert(entry.digest).second) continue;
    auto image = load_image(entry.digest, index);
    if (image)
      images.push_back(std::move(image).value());
    else if (failures != nullptr)
      failures->push_back(std::move(image).error());
  }
  std::sort(images.begin(), images.end(),
            [](const Image& a, const Image& b) { return std::tie(a.names, a.id) < std::tie(b.names, b.id); });
  return images;
}

Status Store::tag(const std::string& source, const std::string& new_name) {
  BERTH_TRY(Reference reference, parse_reference(new_name));
  if (reference.digest)
    return make_error(fmt::format("image reference \"{}\": a new name cannot have a digest", printable(new_name)));
  BERTH_TRY(auto lock, lock_index());
  BERTH_TRY(Index index, read_index());
  BERTH_TRY(Digest manifest, find(index, source));
  auto entry = std::find_if(index.manifests.begin(), index.manifests.end(),
                            [&](const Descriptor& one) { return one.digest == manifest; });
  BERTH_CHECK(entry != index.manifests.end());
  Descriptor named = *entry;
  named.annotations.erase(std::string(kAnnotationOrigin));  // nobody asked a registry for the new name
  named.annotations.erase(std::string(kAnnotationOriginChecked));
  name_entry(index, std::move(named), reference.name());
  return write_index(index);
}

Result<ImportLease> Store::begin_import() {
  std::string path = directory_ + "/content.lock";
  {
    // Alone in the store: temporaries belong to nobody.
    auto alone = sys::FileLock::try_acquire(path);
    if (alone) BERTH_TRY_OK(sweep_temporaries(directory_));
  }
  BERTH_TRY(sys::FileLock lock, sys::FileLock::acquire_shared(path));
  return ImportLease(std::move(lock));
}

Result<Digest> Store::put_blob(const ImportLease& lease, std::string_view bytes) {
  BERTH_TRY(BlobWriter blob, BlobWriter::begin(*this, lease));
  BERTH_TRY_OK(blob.write(bytes));
  return blob.commit();
}

Result<Image> Store::publish(const ImportLease& lease, const std::string& config_json,
                             const std::vector<Descriptor>& layers, const std::vector<std::string>& names) {
  BERTH_TRY(Digest config, put_blob(lease, config_json));
  Descriptor descriptor{std::string(kMediaConfig), config, config_json.size(), {}, std::nullopt};
  std::vector<Descriptor> own = layers;
  for (Descriptor& layer : own) {  // those of a Docker manifest are the same thing by another name
    if (layer.media_type == kMediaDockerLayerGzip) layer.media_type = kMediaLayerGzip;
  }
  return publish_manifest(lease, render_manifest({std::string(kMediaManifest), std::move(descriptor), std::move(own)}),
                          names);
}

Result<Image> Store::publish_manifest(const ImportLease& lease, const std::string& manifest_json,
                                      const std::vector<std::string>& names, const std::optional<Origin>& origin) {
  BERTH_TRY(Manifest manifest, parse_manifest(manifest_json));
  for (const Descriptor& layer : manifest.layers) {
    if (!has_blob(layer.digest)) return sys_error("publish image: layer blob " + layer.digest.str(), ENOENT);
  }
  BERTH_TRY(Digest digest, put_blob(lease, manifest_json));
  BERTH_TRY_OK(load_image(digest, Index{}).context("publish image"));  // config and every tree are there
  // Everything that the names will lead to is on the disk before they do.
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(directory_, O_RDONLY | O_DIRECTORY));
  BERTH_TRY_OK(sys::sync_filesystem(fd.ref()).context("{}", directory_));
  BERTH_TRY(auto lock, lock_index());
  BERTH_TRY(Index index, read_index());
  std::string type = manifest.media_type.empty() ? std::string(kMediaManifest) : manifest.media_type;
  Descriptor entry{type,
                   digest,
                   manifest_json.size(),
                   {{std::string(kAnnotationImageId), manifest.config.digest.str()}},
                   std::nullopt};
  if (names.empty()) keep_unnamed(index, entry);
  for (const std::string& name : names) {
    Descriptor named = entry;
    if (origin) BERTH_TRY_OK(note_origin(named, name, *origin));
    name_entry(index, std::move(named), name);
  }
  BERTH_TRY_OK(write_index(index));
  return load_image(digest, index);
}

}  // namespace berth::images
