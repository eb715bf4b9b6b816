#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "images/store.h"

namespace berth::builder {

/// As Store::publish(), with annotations in the image's manifest.
[[nodiscard]] Result<images::Image> publish_annotated(images::Store& store, const images::ImportLease& lease,
                                                      const std::string& config_json,
                                                      const std::vector<images::Descriptor>& layers,
                                                      const std::vector<std::string>& names,
                                                      const std::map<std::string, std::string>& annotations);

}  // namespace berth::builder
