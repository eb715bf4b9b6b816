#include "images/load.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "base/text.h"
#include "images/load_formats.h"
#include "sys/file.h"

namespace berth::images {
namespace {

Result<std::vector<LoadedImage>> load_contents(Store& store, const ImportLease& lease, ArchiveContents& contents,
                                               const std::optional<Platform>& platform, Progress* progress) {
  LoadJob job{store, lease, contents, platform, progress};
  if (contents.has("manifest.json")) {
    BERTH_TRY_OK(load_docker_images(job));
  } else if (contents.has("index.json")) {
    BERTH_TRY_OK(load_oci_images(job));
  } else {
    return make_error("archive: neither a docker-archive (manifest.json) nor an OCI layout (index.json)",
                      "a tar of a root file system comes in with: berth import TAR NAME");
  }
  if (job.loaded.empty()) return make_error("archive: there is no image in it");
  return std::move(job.loaded);
}

}  // namespace

Result<std::vector<LoadedImage>> load_archive(Store& store, sys::FdRef archive, const std::optional<Platform>& platform,
                                              Progress* progress) {
  BERTH_TRY(ImportLease lease, store.begin_import());
  BERTH_TRY(auto contents, spool_tar(store, lease, read_blob_from(archive, "the archive")));
  return load_contents(store, lease, *contents, platform, progress);
}

Result<std::vector<LoadedImage>> load_archive(Store& store, const std::string& path,
                                              const std::optional<Platform>& platform, Progress* progress) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return sys_error("stat " + path, errno);
  if (!S_ISDIR(info.st_mode)) return load_archive(store, fd.ref(), platform, progress).context("load {}", path);
  BERTH_TRY(ImportLease lease, store.begin_import());
  BERTH_TRY(auto contents, open_archive_directory(store, lease, path));
  return load_contents(store, lease, *contents, platform, progress).context("load {}", path);
}

Result<Image> load_oci_image(Store& store, const std::string& path, const std::string& which,
                             const Platform& platform) {
  BERTH_TRY(ImportLease lease, store.begin_import());
  BERTH_TRY(auto contents, open_archive_directory(store, lease, path));
  const std::optional<Platform> wanted = platform;
  LoadJob job{store, lease, *contents, wanted, nullptr};
  BERTH_TRY_OK(load_oci_entry(job, which).context("load {}", path));
  return store.resolve(job.loaded.front().id.str());
}

Status check_platform(const LoadJob& job, const ImageConfig& config, const std::string& what) {
  const Platform found{config.os, config.architecture, config.variant};
  if (!job.platform || choose_platform(*job.platform, {found}) >= 0) return {};
  return make_error(fmt::format("archive: no image for platform {}; {} is for {}", job.platform->str(), printable(what),
                                printable(found.str())));
}

Result<Descriptor> load_layer(LoadJob& job, const std::string& path, const LayerExpectation& expected) {
  BERTH_TRY(ArchiveContents::Blob blob, job.contents.adopt(path, expected.blob));
  if (auto known = job.layers.find(expected.diff_id.value_or(blob.digest)); known != job.layers.end()) {
    if (known->second.digest == blob.digest) return known->second;
  }
  bool have_tree = expected.diff_id && job.store.has_layer(*expected.diff_id);
  if (have_tree && blob.digest == *expected.diff_id) {
    // A plain tar that is its own diff id: verified when the tree was made.
    if (job.progress != nullptr)
      job.progress->layer(blob.digest.short_hex(), LayerPhase::already_present, blob.size, blob.size);
    return Descriptor{std::string(kMediaLayer), blob.digest, blob.size, {}, std::nullopt};
  }
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(job.store.blob_path(blob.digest), O_RDONLY));
  LayerExpectation exact{blob.digest, expected.size ? *expected.size : blob.size, expected.diff_id};
  BERTH_TRY(StoredLayer layer, store_layer_from(job.store, job.lease, read_blob_from(fd.ref(), path), std::move(exact),
                                                job.progress, blob.digest.short_hex()));
  job.layers.insert_or_assign(layer.diff_id, layer.descriptor);
  return std::move(layer.descriptor);
}

}  // namespace berth::images
