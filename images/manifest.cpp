#include "images/manifest.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "images/json_fields.h"

namespace berth::images {

using nlohmann::json;

namespace {

std::optional<Platform> read_platform(FieldReader& parent) {
  const json* object = parent.object("platform");
  if (object == nullptr) return std::nullopt;
  Platform platform;
  FieldReader fields(*object, "platform");
  fields.read("os", platform.os);
  fields.read("architecture", platform.architecture);
  fields.read("variant", platform.variant);
  // A platform that cannot be read is one that is never chosen; it need not spoil the others.
  return platform;
}

Result<Descriptor> read_descriptor(const json& object, const std::string& where) {
  if (!object.is_object()) return make_error(where + ": expected a descriptor");
  std::string media_type, digest;
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  FieldReader fields(object, where);
  fields.read("mediaType", media_type);
  fields.read("digest", digest);
  fields.read("size", size);
  fields.read("annotations", annotations);
  std::optional<Platform> platform = read_platform(fields);
  BERTH_TRY_OK(fields.status());
  BERTH_TRY(Digest checked, Digest::parse(digest).context("{}", where));
  return Descriptor{media_type, std::move(checked), size, std::move(annotations), std::move(platform)};
}

json render_descriptor(const Descriptor& descriptor) {
  json object = {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.str()}, {"size", descriptor.size}};
  if (!descriptor.annotations.empty()) object["annotations"] = descriptor.annotations;
  if (descriptor.platform) {
    object["platform"] = {{"os", descriptor.platform->os}, {"architecture", descriptor.platform->architecture}};
    if (!descriptor.platform->variant.empty()) object["platform"]["variant"] = descriptor.platform->variant;
  }
  return object;
}

/// What must hold for every image document, whichever it claims to be.
Status check_document(const json& document, const std::string& what) {
  if (document.contains("manifests") && document.contains("layers")) {
    return make_error(what + ": has both \"manifests\" and \"layers\"; it could be read in two ways");
  }
  FieldReader fields(document, what);
  uint64_t version = 0;
  fields.read("schemaVersion", version);
  BERTH_TRY_OK(fields.status());
  if (version == 2) return {};
  if (version == 1) {
    return make_error(what + ": Docker's manifest schema 1 is not supported",
                      "push the image again with a current Docker");
  }
  return make_error(fmt::format("{}: schemaVersion is {}, expected 2", what, version));
}

bool is_attestation(const Descriptor& entry) {
  return entry.annotation("vnd.docker.reference.type") == "attestation-manifest" ||
         (entry.platform && entry.platform->os == "unknown" && entry.platform->architecture == "unknown");
}

}  // namespace

std::string Descriptor::annotation(std::string_view key) const {
  auto found = annotations.find(std::string(key));
  return found == annotations.end() ? std::string() : found->second;
}

bool Descriptor::is_index() const {
  return media_type == kMediaIndex || media_type == kMediaDockerList;
}

Result<Manifest> parse_manifest(std::string_view text) {
  BERTH_TRY(json document, parse_json_object(text, "image manifest"));
  BERTH_TRY_OK(check_document(document, "image manifest"));
  std::string media_type;
  FieldReader fields(document, "image manifest");
  fields.read("mediaType", media_type);
  const json* config = fields.object("config");
  const json* layers = fields.array("layers");
  BERTH_TRY_OK(fields.status());
  if (config == nullptr || layers == nullptr) return make_error("image manifest: \"config\" or \"layers\" is missing");
  if (layers->size() > kMaxLayers) return make_error(fmt::format("image manifest: more than {} layers", kMaxLayers));
  BERTH_TRY(Descriptor config_descriptor, read_descriptor(*config, "image manifest: config"));
  Manifest manifest{media_type, std::move(config_descriptor), {}};
  for (const json& layer : *layers) {
    BERTH_TRY(Descriptor descriptor, read_descriptor(layer, "image manifest: layers"));
    manifest.layers.push_back(std::move(descriptor));
  }
  return manifest;
}

std::string render_manifest(const Manifest& manifest) {
  json document = {{"schemaVersion", 2}, {"mediaType", manifest.media_type}};
  document["config"] = render_descriptor(manifest.config);
  document["layers"] = json::array();
  for (const Descriptor& layer : manifest.layers) document["layers"].push_back(render_descriptor(layer));
  return dump_json(document);
}

Result<Index> parse_index(std::string_view text) {
  BERTH_TRY(json document, parse_json_object(text, "image index"));
  BERTH_TRY_OK(check_document(document, "image index"));
  FieldReader fields(document, "image index");
  const json* entries = fields.array("manifests");
  BERTH_TRY_OK(fields.status());
  Index index;
  if (entries == nullptr) return index;
  for (const json& entry : *entries) {
    BERTH_TRY(Descriptor descriptor, read_descriptor(entry, "image index: manifests"));
    index.manifests.push_back(std::move(descriptor));
  }
  return index;
}

std::string render_index(const Index& index) {
  json document = {{"schemaVersion", 2}, {"mediaType", kMediaIndex}, {"manifests", json::array()}};
  for (const Descriptor& entry : index.manifests) document["manifests"].push_back(render_descriptor(entry));
  return dump_json(document);
}

Result<Descriptor> choose_manifest(const Index& index, const Platform& wanted) {
  std::vector<Descriptor> entries;
  std::vector<Platform> platforms;
  std::vector<std::string> shown;
  for (const Descriptor& entry : index.manifests) {
    if (is_attestation(entry)) continue;
    entries.push_back(entry);
    platforms.push_back(entry.platform.value_or(Platform{"unknown", "unknown", ""}));
    shown.push_back(printable(platforms.back().str()));
  }
  if (entries.size() == 1 && !entries[0].platform) return entries[0];
  int chosen = choose_platform(wanted, platforms);
  if (chosen >= 0) return entries[static_cast<size_t>(chosen)];
  return make_error(fmt::format("no image for platform {}; there is: {}", wanted.str(), join(shown, ", ")));
}

}  // namespace berth::images
