#include "builder/annotate.h"

#include <nlohmann/json.hpp>

#include "images/json_fields.h"
#include "images/manifest.h"

namespace berth::builder {

Result<images::Image> publish_annotated(images::Store& store, const images::ImportLease& lease,
                                        const std::string& config_json, const std::vector<images::Descriptor>& layers,
                                        const std::vector<std::string>& names,
                                        const std::map<std::string, std::string>& annotations) {
  BERTH_TRY(images::Digest config, store.put_blob(lease, config_json));
  images::Descriptor descriptor{std::string(images::kMediaConfig), config, config_json.size(), {}, std::nullopt};
  images::Manifest plain{std::string(images::kMediaManifest), std::move(descriptor), layers};
  for (images::Descriptor& layer : plain.layers) {  // those of a Docker manifest are the same thing by another name
    if (layer.media_type == images::kMediaDockerLayerGzip) layer.media_type = images::kMediaLayerGzip;
  }
  nlohmann::json manifest = nlohmann::json::parse(images::render_manifest(plain), nullptr, false);
  manifest["annotations"] = annotations;
  return store.publish_manifest(lease, images::dump_json(manifest), names);
}

}  // namespace berth::builder
