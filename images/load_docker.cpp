#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "images/json_fields.h"
#include "images/load_formats.h"
#include "images/reference.h"

namespace berth::images {

using nlohmann::json;

namespace {

/// One element of manifest.json.
struct ListedImage {
  std::string config;
  std::vector<std::string> names;
  std::vector<std::string> layers;
};

Result<std::vector<ListedImage>> parse_saved_images(const std::string& text) {
  json list = json::parse(text, nullptr, false);
  if (!list.is_array()) return make_error("archive: manifest.json: expected a list of images");
  std::vector<ListedImage> images;
  for (const json& item : list) {
    if (!item.is_object()) return make_error("archive: manifest.json: expected a list of images");
    ListedImage image;
    FieldReader fields(item, "archive: manifest.json");
    fields.read("Config", image.config);
    fields.read("RepoTags", image.names);
    fields.read("Layers", image.layers);
    BERTH_TRY_OK(fields.status());
    if (image.config.empty()) return make_error("archive: manifest.json: an image without Config");
    if (image.layers.size() > kMaxLayers) return make_error(fmt::format("archive: more than {} layers", kMaxLayers));
    images.push_back(std::move(image));
  }
  return images;
}

/// "blobs/sha256/<hex>" and "<hex>.json" say what the config's digest has to be.
std::optional<Digest> promised_digest(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".json")) name.resize(name.size() - 5);
  auto digest = Digest::parse("sha256:" + name);
  return digest ? std::optional(std::move(digest).value()) : std::nullopt;
}

Result<std::vector<std::string>> full_names(const std::vector<std::string>& tags) {
  std::vector<std::string> names;
  for (const std::string& tag : tags) {
    BERTH_TRY(Reference reference, parse_reference(tag).context("archive: manifest.json: RepoTags"));
    names.push_back(reference.name());
  }
  return names;
}

Status load_image(LoadJob& job, const ListedImage& saved) {
  BERTH_TRY(std::vector<std::string> names, full_names(saved.names));
  BERTH_TRY(std::string config_json, job.contents.text(saved.config));
  Digest id = sha256_of(config_json);
  if (auto promised = promised_digest(saved.config); promised && *promised != id) {
    return make_error(fmt::format("archive: {}: content is not what its name says: its digest is {}",
                                  printable(saved.config), id.str()));
  }
  BERTH_TRY(ImageConfig config, parse_image_config(config_json));
  BERTH_TRY_OK(check_platform(job, config, names.empty() ? id.short_hex() : names.front()));
  if (config.diff_ids.size() != saved.layers.size()) {
    return make_error(fmt::format("archive: image {}: {} layers, its config lists {}", id.short_hex(),
                                  saved.layers.size(), config.diff_ids.size()));
  }
  std::vector<Descriptor> layers;
  for (size_t i = 0; i < saved.layers.size(); ++i) {
    BERTH_TRY(Descriptor layer, load_layer(job, saved.layers[i], {std::nullopt, std::nullopt, config.diff_ids[i]}));
    layers.push_back(std::move(layer));
  }
  BERTH_TRY(Image image, job.store.publish(job.lease, config_json, layers, names));
  job.loaded.push_back({image.id, std::move(names)});
  return {};
}

}  // namespace

Status load_docker_images(LoadJob& job) {
  BERTH_TRY(std::string text, job.contents.text("manifest.json"));
  BERTH_TRY(std::vector<ListedImage> images, parse_saved_images(text));
  for (const ListedImage& image : images) BERTH_TRY_OK(load_image(job, image));
  return {};
}

}  // namespace berth::images
