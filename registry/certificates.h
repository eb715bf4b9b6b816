#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "registry/http.h"

namespace berth::registry {

/// What the directories say of a host, in Docker's layout: DIR/HOST[:PORT]/ with *.crt, authorities believed beside the
/// system's, and NAME.cert with NAME.key, our own certificate. All directories' authorities count; of certificates the
/// first directory's. Error: a file that cannot be read, a certificate without its key or a key without its
/// certificate, several certificates.
[[nodiscard]] Result<Trust> trust_for(const std::vector<std::string>& directories, const std::string& authority,
                                      bool verify);

}  // namespace berth::registry
