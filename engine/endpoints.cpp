#include "engine/endpoints.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "netns/spec.h"

namespace berth::engine {
namespace {

constexpr const char* kInterfaceOption = "com.docker.network.endpoint.ifname";
constexpr const char* kSysctlsOption = "com.docker.network.endpoint.sysctls";

/// "net.ipv4.conf.IFNAME.forwarding=1"
bool read_sysctl(std::string_view text, EndpointOptions& out) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  std::string key(trim(text.substr(0, equals)));
  const bool known = key.starts_with("net.ipv4.") || key.starts_with("net.ipv6.") || key.starts_with("net.mpls.");
  const bool plain = key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.IFNAME") == std::string::npos;
  if (!known || !plain || key.find("..") != std::string::npos || key.find(".IFNAME.") == std::string::npos)
    return false;
  std::replace(key.begin(), key.end(), '.', '/');
  out.sysctls.emplace_back(key.substr(key.find('/') + 1), trim(text.substr(equals + 1)));
  return true;
}

}  // namespace

std::vector<AttachmentConfig> in_order(std::vector<AttachmentConfig> attachments) {
  std::stable_sort(attachments.begin(), attachments.end(), [](const AttachmentConfig& a, const AttachmentConfig& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.network < b.network;
  });
  return attachments;
}

EndpointOptions read_endpoint_options(const StringMap& options) {
  EndpointOptions out;
  for (const auto& [name, value] : options) {
    if (name == kInterfaceOption) {
      out.interface = value;
      if (!netns::valid_interface_name(value))
        out.errors.push_back(make_error(fmt::format("{}: \"{}\" cannot be the name of an interface", name, value)));
    } else if (name == kSysctlsOption) {
      for (const std::string& one : split(value, ',')) {
        if (read_sysctl(one, out)) continue;
        out.errors.push_back(make_error(fmt::format("{}: \"{}\" is not understood", name, printable(one)),
                                        "expected settings like net.ipv4.conf.IFNAME.forwarding=1"));
      }
    } else {
      std::optional<std::string> near = nearest(name, {kInterfaceOption, kSysctlsOption});
      out.warnings.push_back(fmt::format("there is no option \"{}\" of an endpoint; it has no effect{}",
                                         printable(name), near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
    }
  }
  return out;
}

std::string wanted_interface(const AttachmentConfig& attachment) {
  return attachment.interface_name.empty() ? read_endpoint_options(attachment.options).interface : attachment.interface_name;
}

Result<std::vector<std::string>> interface_names(const std::vector<AttachmentConfig>& attachments,
                                                 const std::vector<std::string>& prefixes,
                                                 const std::vector<EndpointState>& there) {
  std::vector<std::string> names;
  std::set<std::string> taken = {"lo"};
  for (const AttachmentConfig& attachment : attachments) {
    auto endpoint = std::find_if(there.begin(), there.end(),
                                 [&](const EndpointState& one) { return one.network == attachment.network; });
    names.push_back(endpoint == there.end() ? wanted_interface(attachment) : endpoint->interface);
    if (!names.back().empty() && !taken.insert(names.back()).second)
      return make_error(fmt::format("two networks want the interface {}", names.back()));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    for (int number = 0; names[i].empty(); ++number) {
      std::string name = prefixes[i] + std::to_string(number);
      if (taken.insert(name).second) names[i] = std::move(name);
    }
  }
  return names;
}

bool routes_before(const AttachmentConfig& a, const AttachmentConfig& b) {
  return a.gw_priority != b.gw_priority ? a.gw_priority > b.gw_priority : a.network < b.network;
}

}  // namespace berth::engine
