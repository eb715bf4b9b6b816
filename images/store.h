#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "images/config.h"
#include "images/digest.h"
#include "images/manifest.h"
#include "images/reference.h"
#include "sys/lock.h"
#include "sys/paths.h"

namespace berth::images {

/// An image ready to run.
struct Image {
  Digest id;                              // digest of the config, Docker's image id
  Digest manifest;                        // digest of the OCI manifest
  std::vector<std::string> names;         // full names, sorted; empty: <none>
  std::vector<std::string> repo_digests;  // REPOSITORY@DIGEST as registries have it, sorted
  ImageConfig config;
  std::vector<std::string> layer_dirs;  // overlayfs lower directories, topmost first; all exist
  uint64_t size = 0;                    // bytes of config and layer blobs
  std::string created;                  // config.created

  /// The first name in Docker's short form, else the id.
  [[nodiscard]] std::string display_name() const;
};

/// What a registry had under a name when it was last asked.
struct Origin {
  Digest digest;        // of a manifest or an index
  int64_t checked = 0;  // seconds since 1970
};

/// Keeps the store from being collected while something that is not yet under a name is brought in. Any number at once;
/// freed by the kernel when the process dies.
class ImportLease {
 public:
  explicit ImportLease(sys::FileLock lock) : lock_(std::move(lock)) {}

 private:
  sys::FileLock lock_;
};

struct RemovedImage {
  std::vector<std::string> untagged;  // full names
  std::optional<Digest> deleted;      // id of the image, if it is gone
  uint64_t freed_bytes = 0;           // on the disk, of blobs and trees
};

struct CollectedGarbage {
  std::vector<RemovedImage> images;  // without freed_bytes
  uint64_t freed_bytes = 0;
};

/// Ids of images that containers, running or not, were made from. Asked while no name can change and, by hold_names(),
/// no container be made; empty: none.
using InUse = std::function<std::vector<Digest>()>;
/// Which of the images that nobody uses garbage_collect takes away; empty: none.
using Unwanted = std::function<bool(const Image&)>;

/// The image store of one state root: an OCI image layout on disk, which skopeo, umoci and buildah can read, plus the
/// unpacked layers.
///
///     images/oci-layout, index.json        one descriptor per name; unnamed images have one without a name
///     images/blobs/sha256/<hex>            manifests, configs, layers, as they came
///     images/layers/<diff id hex>/fs       one tree per diff id, shared by all images; 0700 above fs
///     images/index.lock                    taken to change index.json
///     images/content.lock                  shared by whoever brings content in, exclusive for who deletes
///
/// Names appear last: blobs and layers are complete and synced before index.json leads to them, so a crash at any
/// instant leaves nothing but garbage, which begin_import() (temporaries) and garbage_collect() (all) remove.
/// Holds no state of its own: any number of processes may use one store.
class Store {
 public:
  /// Makes the store if there is none. Error: not an OCI layout, not ours to write.
  [[nodiscard]] static Result<Store> open(const sys::Paths& paths);
  /// The same for a directory of the caller's choice.
  [[nodiscard]] static Result<Store> open_directory(const std::string& directory);

  /// An image by name (short or full, with tag or digest) or by its id or an unambiguous prefix of it. Three small
  /// files are read. Error with a hint if there is none: the nearest local name and how to get one.
  [[nodiscard]] Result<Image> resolve(const std::string& name_or_id) const;
  /// All images, each once, sorted by name. Those that cannot be read are left out and described in `damaged`.
  [[nodiscard]] Result<std::vector<Image>> list(std::vector<Error>* damaged = nullptr) const;

  /// Gives an image one more name; a name that is in use moves, and the image that had it stays, unnamed if it was the
  /// last.
  [[nodiscard]] Status tag(const std::string& source, const std::string& new_name);
  /// Takes the name away; with the last one goes the image and what nothing else uses. An image that is in use stays,
  /// unnamed. Given an id, takes all names. Error: no such image, or an id prefix of several.
  [[nodiscard]] Result<RemovedImage> remove(const std::string& name_or_id, const InUse& in_use);
  /// Deletes the images that are unwanted, and what no name and no image in use needs. Waits for imports that are under
  /// way.
  [[nodiscard]] Result<CollectedGarbage> garbage_collect(const InUse& in_use = {}, const Unwanted& unwanted = {});
  /// Keeps every image that is there from going while a container is made from it, until InUse can name it. To be held
  /// for milliseconds: who changes a name waits.
  [[nodiscard]] Result<sys::FileLock> hold_names() const { return lock_index(); }

  // --- for whoever brings images in: import, load, pull, build ---

  /// Taken before the first blob, held until publish(). Sweeps what crashed imports left, if nobody else is importing.
  [[nodiscard]] Result<ImportLease> begin_import();
  [[nodiscard]] bool has_blob(const Digest& digest) const;
  /// True if the unpacked tree is there.
  [[nodiscard]] bool has_layer(const Digest& diff_id) const;
  /// A small blob (manifest, config): written, synced, named by its digest.
  [[nodiscard]] Result<Digest> put_blob(const ImportLease& lease, std::string_view bytes);
  /// A small blob, verified against its digest; longer than `limit` is an error.
  [[nodiscard]] Result<std::string> read_blob(const Digest& digest, size_t limit = kMetadataLimit) const;
  /// Writes config and manifest for layers that are in the store (lowest first), leads `names` to it (none: an unnamed
  /// image), and returns the image. All names or none. Error if a layer or blob is missing.
  [[nodiscard]] Result<Image> publish(const ImportLease& lease, const std::string& config_json,
                                      const std::vector<Descriptor>& layers, const std::vector<std::string>& names);
  /// The same for a manifest that is kept as it came, so that its digest stays the registry's. `origin`: where the
  /// names come from.
  [[nodiscard]] Result<Image> publish_manifest(const ImportLease& lease, const std::string& manifest_json,
                                               const std::vector<std::string>& names,
                                               const std::optional<Origin>& origin = std::nullopt);
  /// What publish_manifest() noted of a name; nothing for images that did not come from a registry, or that are not
  /// there.
  [[nodiscard]] Result<std::optional<Origin>> origin(const Reference& reference) const;
  /// The registry was asked again, or was given the image. Nothing happens to a name that is not there.
  [[nodiscard]] Status set_origin(const Reference& reference, const Origin& origin);

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string blob_path(const Digest& digest) const;
  [[nodiscard]] std::string layer_path(const Digest& diff_id) const;  // …/fs

 private:
  explicit Store(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] Result<Index> read_index() const;
  [[nodiscard]] Status write_index(const Index& index) const;
  [[nodiscard]] Result<sys::FileLock> lock_index() const;
  [[nodiscard]] Result<Image> load_image(const Digest& manifest, const Index& index) const;
  [[nodiscard]] Result<Digest> image_id(const Descriptor& entry) const;
  [[nodiscard]] Result<Digest> find(const Index& index, const std::string& name_or_id) const;
  [[nodiscard]] Error not_found(const Index& index, const std::string& name_or_id) const;

  std::string directory_;
};

}  // namespace berth::images
