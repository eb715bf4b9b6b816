#pragma once

#include <curl/curl.h>

#include <string>

#include "registry/failure.h"
#include "registry/url.h"

namespace berth::registry {

/// What libcurl's code means for us. `detail`: its own words on this case; `connected`: how far it came.
[[nodiscard]] Failure curl_failure(CURLcode code, const std::string& detail, const Url& url, bool connected);

}  // namespace berth::registry
