#include "images/save.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "images/blob_writer.h"
#include "images/json_fields.h"
#include "images/reference.h"
#include "sys/file.h"

namespace berth::images {
namespace {

using nlohmann::json;

struct SavedImage {
  Image image;
  std::set<std::string> names;  // full, with tags
};
/// By id, in the order of the command line.
using SavedImages = std::vector<SavedImage>;

void add(SavedImages& list, Image image, const std::string& name) {
  auto known = std::find_if(list.begin(), list.end(), [&](const SavedImage& one) { return one.image.id == image.id; });
  if (known == list.end()) known = list.insert(list.end(), SavedImage{std::move(image), {}});
  if (!name.empty()) known->names.insert(name);
}

/// True where the user wrote a repository alone: all of its tags are meant.
bool means_repository(const std::string& text) {
  size_t slash = text.rfind('/');
  return text.find(':', slash == std::string::npos ? 0 : slash) == std::string::npos &&
         text.find('@') == std::string::npos;
}

Status choose(const Store& store, const std::string& text, SavedImages& list) {
  auto reference = parse_reference(text);
  if (reference && means_repository(text)) {
    BERTH_TRY(std::vector<Image> all, store.list());
    bool found = false;
    for (Image& image : all) {
      for (const std::string& name : std::vector<std::string>(image.names)) {
        if (!name.starts_with(reference->repository() + ":")) continue;
        add(list, image, name);
        found = true;
      }
    }
    if (found) return {};
  }
  BERTH_TRY(Image image, store.resolve(text));
  std::string name = reference ? reference->name() : "";
  bool tagged =
      reference && !reference->digest && std::find(image.names.begin(), image.names.end(), name) != image.names.end();
  add(list, std::move(image), tagged ? name : "");
  return {};
}

/// The documents of the archive, and the blobs that they lead to.
struct Contents {
  json docker = json::array(), oci = json::array();
  std::set<Digest> blobs;
};

Status describe(const Store& store, const SavedImage& saved, Contents& contents) {
  const Digest& digest = saved.image.manifest;
  BERTH_TRY(std::string text, store.read_blob(digest));
  BERTH_TRY(Manifest manifest, parse_manifest(text));
  contents.blobs.insert({digest, saved.image.id});
  json layers = json::array(), tags = json::array();
  for (const Descriptor& layer : manifest.layers) {
    layers.push_back(layer.digest.blob_name());
    contents.blobs.insert(layer.digest);
  }
  json descriptor = {{"mediaType", manifest.media_type.empty() ? kMediaManifest : manifest.media_type},
                     {"digest", digest.str()},
                     {"size", text.size()}};
  if (saved.names.empty()) contents.oci.push_back(descriptor);
  for (const std::string& name : saved.names) {
    tags.push_back(familiar_name(name));
    descriptor["annotations"] = {{kAnnotationContainerdName, name},
                                 {kAnnotationRefName, name.substr(name.rfind(':') + 1)}};
    contents.oci.push_back(descriptor);
  }
  contents.docker.push_back({{"Config", saved.image.id.blob_name()},
                             {"RepoTags", saved.names.empty() ? json() : std::move(tags)},
                             {"Layers", std::move(layers)}});
  return {};
}

Status write_blob(const Store& store, const Digest& digest, TarWriter& tar) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(store.blob_path(digest), O_RDONLY));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return sys_error("stat " + store.blob_path(digest), errno);
  TarEntry entry;
  entry.name = digest.blob_name();
  entry.mode = 0644;
  entry.size = static_cast<uint64_t>(info.st_size);
  BERTH_TRY_OK(tar.entry(entry));
  Sha256 hash;
  ReadBlob read = read_blob_from(fd.ref(), store.blob_path(digest));
  for (uint64_t left = entry.size; left > 0;) {
    BERTH_TRY(std::string_view bytes, read());
    if (bytes.empty() || bytes.size() > left) return make_error("image store: blob changes: " + digest.str());
    hash.update(bytes);
    BERTH_TRY_OK(tar.data(bytes));
    left -= bytes.size();
  }
  if (hash.digest() != digest) return digest_mismatch("image store: blob", digest, hash.digest());
  return {};
}

Status write_directory(TarWriter& tar, const std::string& name) {
  TarEntry entry;
  entry.type = TarType::directory;
  entry.name = name;
  entry.mode = 0755;
  return tar.entry(entry);
}

Status write_archive(const Store& store, const SavedImages& images, const WriteBytes& write) {
  Contents contents;
  for (const SavedImage& image : images) BERTH_TRY_OK(describe(store, image, contents));
  TarWriter tar(write);
  BERTH_TRY_OK(write_directory(tar, "blobs"));
  BERTH_TRY_OK(write_directory(tar, "blobs/sha256"));
  for (const Digest& digest : contents.blobs) BERTH_TRY_OK(write_blob(store, digest, tar));
  json index = {{"schemaVersion", 2}, {"mediaType", kMediaIndex}, {"manifests", std::move(contents.oci)}};
  BERTH_TRY_OK(tar.file("index.json", dump_json(index)));
  BERTH_TRY_OK(tar.file("manifest.json", dump_json(contents.docker)));
  BERTH_TRY_OK(tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  return tar.finish();
}

}  // namespace

Status save_images(Store& store, const std::vector<std::string>& names_or_ids, const WriteBytes& write) {
  BERTH_TRY(ImportLease lease, store.begin_import());
  SavedImages images;
  for (const std::string& text : names_or_ids) BERTH_TRY_OK(choose(store, text, images));
  return write_archive(store, images, write);
}

Status save_image(Store& store, const Image& image, const std::vector<std::string>& names, const WriteBytes& write) {
  BERTH_TRY(ImportLease lease, store.begin_import());
  return write_archive(store, {SavedImage{image, {names.begin(), names.end()}}}, write);
}

}  // namespace berth::images
