#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "images/blob_writer.h"
#include "images/load_formats.h"
#include "images/reference.h"

namespace berth::images {
namespace {

constexpr int kMaxNesting = 4;

Result<std::string> verified_text(LoadJob& job, const Descriptor& descriptor) {
  BERTH_TRY(std::string text, job.contents.text(descriptor.digest.blob_name()));
  if (Digest found = sha256_of(text); found != descriptor.digest) {
    return digest_mismatch("archive: " + descriptor.digest.blob_name(), descriptor.digest, found);
  }
  if (text.size() != descriptor.size) {
    return make_error(fmt::format("archive: {}: {} bytes long, its descriptor says {}", descriptor.digest.str(),
                                  text.size(), descriptor.size));
  }
  return text;
}

/// The name that an entry of index.json gives; "" if it has none. A bare word is a repository, as Podman reads it.
Result<std::string> entry_name(const Descriptor& entry) {
  std::string name = entry.annotation(kAnnotationContainerdName);
  if (name.empty()) name = entry.annotation(kAnnotationRefName);
  if (name.empty()) return name;
  BERTH_TRY(Reference reference, parse_reference(name).context("archive: index.json"));
  return reference.name();
}

/// Goes down through nested indexes to the manifest for the platform.
Result<Descriptor> find_manifest(LoadJob& job, Descriptor entry) {
  for (int depth = 0; entry.is_index(); ++depth) {
    if (depth == kMaxNesting) return make_error("archive: indexes are nested too deeply");
    BERTH_TRY(std::string text, verified_text(job, entry));
    BERTH_TRY(Index index, parse_index(text));
    BERTH_TRY(entry, choose_manifest(index, preferred(job)));
  }
  return entry;
}

Status load_image(LoadJob& job, const Descriptor& entry, const std::vector<std::string>& names) {
  BERTH_TRY(Descriptor descriptor, find_manifest(job, entry));
  BERTH_TRY(std::string manifest_json, verified_text(job, descriptor));
  BERTH_TRY(Manifest manifest, parse_manifest(manifest_json));
  BERTH_TRY(std::string config_json, verified_text(job, manifest.config));
  BERTH_TRY(ImageConfig config, parse_image_config(config_json));
  if (descriptor.digest == entry.digest && !entry.platform)
    BERTH_TRY_OK(check_platform(job, config, names.empty() ? descriptor.digest.short_hex() : names.front()));
  if (config.diff_ids.size() != manifest.layers.size()) {
    return make_error(fmt::format("archive: manifest {}: {} layers, its config lists {}", descriptor.digest.short_hex(),
                                  manifest.layers.size(), config.diff_ids.size()));
  }
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    const Descriptor& layer = manifest.layers[i];
    BERTH_TRY_OK(load_layer(job, layer.digest.blob_name(), {layer.digest, layer.size, config.diff_ids[i]}));
  }
  BERTH_TRY_OK(job.store.put_blob(job.lease, config_json));
  BERTH_TRY(Image image, job.store.publish_manifest(job.lease, manifest_json, names));
  job.loaded.push_back({image.id, names});
  return {};
}

bool all_have_platforms(const std::vector<Descriptor>& entries) {
  return std::all_of(entries.begin(), entries.end(),
                     [](const Descriptor& entry) { return entry.platform.has_value(); });
}

}  // namespace

Status load_oci_images(LoadJob& job) {
  BERTH_TRY(std::string text, job.contents.text("index.json"));
  BERTH_TRY(Index index, parse_index(text));
  std::map<std::string, std::vector<Descriptor>> by_name;
  for (const Descriptor& entry : index.manifests) {
    BERTH_TRY(std::string name, entry_name(entry));
    by_name[name].push_back(entry);
  }
  for (auto& [name, entries] : by_name) {
    std::vector<std::string> names;
    if (!name.empty()) names.push_back(name);
    // Several entries under one name, or all without: one image for several platforms, laid out flat.
    if (entries.size() > 1 && (!name.empty() || all_have_platforms(entries))) {
      BERTH_TRY(Descriptor chosen,
                choose_manifest(Index{entries}, preferred(job)).context("archive: {}", printable(name)));
      entries = {std::move(chosen)};
    }
    for (const Descriptor& entry : entries) BERTH_TRY_OK(load_image(job, entry, names));
  }
  return {};
}

Status load_oci_entry(LoadJob& job, const std::string& which) {
  BERTH_TRY(std::string text, job.contents.text("index.json"));
  BERTH_TRY(Index index, parse_index(text));
  Index wanted;
  std::vector<std::string> names;
  for (const Descriptor& entry : index.manifests) {
    std::string name = entry.annotation(kAnnotationRefName), tag = name.substr(name.rfind(':') + 1);
    names.push_back(name.empty() ? entry.digest.str() : printable(name));
    bool matches = which.empty() ? tag == "latest" : which == name || which == tag || which == entry.digest.str();
    if (matches) wanted.manifests.push_back(entry);
  }
  if (which.empty() && wanted.manifests.empty()) wanted = index;
  if (wanted.manifests.empty())
    return make_error(fmt::format("there is no \"{}\" in it", printable(which)), "it has " + join(names, ", "));
  if (wanted.manifests.size() == 1) return load_image(job, wanted.manifests.front(), {});
  if (!all_have_platforms(wanted.manifests))
    return make_error("there are several images in it", "name one of " + join(names, ", "));
  BERTH_TRY(Descriptor chosen, choose_manifest(wanted, preferred(job)));
  return load_image(job, chosen, {});
}

}  // namespace berth::images
