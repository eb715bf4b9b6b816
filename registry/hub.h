#pragma once

#include <string>

namespace berth::registry {

/// Docker Hub goes by several names: in references, as a host, and as the key of its login.
inline constexpr const char* kHubDomain = "docker.io";
inline constexpr const char* kHubHost = "registry-1.docker.io";
inline constexpr const char* kHubLoginKey = "https://index.docker.io/v1/";

[[nodiscard]] bool is_hub(const std::string& host);

/// Under which a login for this host is kept: Docker Hub's key, else the host itself.
[[nodiscard]] std::string login_key(const std::string& host);

/// "berth login ghcr.io".
[[nodiscard]] std::string login_command(const std::string& host);

}  // namespace berth::registry
