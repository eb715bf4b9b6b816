#include "cli/container_networks.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::cli {
namespace {

using Json = ContainerModel::Json;

constexpr const char* kNetworkFlag = "--network";

/// A key of `--network name=…,alias=…`, and where in Compose's form its value goes.
struct AttachmentKey {
  const char* name;
  const char* attribute;
  bool list = false;
};
constexpr AttachmentKey kAttachmentKeys[] = {{"alias", "aliases", true},     {"ip", "ipv4_address"},
                                             {"ip6", "ipv6_address"},        {"mac-address", "mac_address"},
                                             {"gw-priority", "gw_priority"}, {"link-local-ip", "link_local_ips", true}};

struct NetworkPlace {
  std::string network;
  Json config = Json::object();

  Status take(const std::string& name, const std::string& value) {
    auto key = std::find_if(std::begin(kAttachmentKeys), std::end(kAttachmentKeys),
                            [&](const AttachmentKey& k) { return name == k.name; });
    if (name == "name") {
      network = value;
    } else if (name == "driver-opt") {
      const size_t equals = value.find('=');
      config["driver_opts"][value.substr(0, equals)] = equals == std::string::npos ? "" : value.substr(equals + 1);
    } else if (key != std::end(kAttachmentKeys)) {
      Json& place = config[key->attribute];
      if (key->list)
        place.push_back(value);
      else
        place = value;
    } else {
      std::vector<std::string> known = {"name", "driver-opt"};
      for (const AttachmentKey& one : kAttachmentKeys) known.emplace_back(one.name);
      std::optional<std::string> near = nearest(name, known);
      return make_error("unexpected key \"" + printable(name) + "\"", near ? "did you mean \"" + *near + "\"?" : "");
    }
    return {};
  }
};

/// A network's name or id, or the long form.
Result<NetworkPlace> parse(const std::string& text) {
  NetworkPlace attachment;
  if (text.find('=') == std::string::npos) {
    attachment.network = text;
    return attachment;
  }
  for (const std::string& field : split(text, ',')) {
    const size_t equals = field.find('=');
    BERTH_TRY_OK(attachment.take(field.substr(0, equals), equals == std::string::npos ? "" : field.substr(equals + 1))
                     .context("{} {}", kNetworkFlag, printable(text)));
  }
  if (attachment.network.empty())
    return make_error(fmt::format("{} {}: name= is missing", kNetworkFlag, printable(text)));
  return attachment;
}

/// What is no network to be connected to, but a mode.
bool is_mode(const std::string& network) {
  return network == "host" || network == "none" || network == "bridge" || network == "default" ||
         network.starts_with("container:");
}

}  // namespace

void NetworkFlags::add_to(Command command) {
  command.option("--network,--net", networks_, "Connect a container to a network");
  command.option("--network-alias,--net-alias", aliases_, "Add network-scoped alias for the container");
  command.option("--ip", ip_, "IPv4 address (e.g., 172.30.100.104)");
  command.option("--ip6", ip6_, "IPv6 address (e.g., 2001:db8::33)");
  command.option("--link-local-ip", link_local_ips_, "Container IPv4/IPv6 link-local addresses");
  command.option("--mac-address", mac_, "Container MAC address (e.g., 92:d0:c6:0a:29:33)");
}

Status NetworkFlags::apply(ContainerModel& model) const {
  std::vector<NetworkPlace> attachments;
  for (const std::string& text : networks_) {
    BERTH_TRY(NetworkPlace attachment, parse(text));
    attachments.push_back(std::move(attachment));
  }
  if (attachments.empty()) attachments.emplace_back().network = "bridge";
  NetworkPlace& first = attachments.front();
  for (const std::string& alias : aliases_) BERTH_TRY_OK(first.take("alias", alias));
  for (const std::string& address : link_local_ips_) BERTH_TRY_OK(first.take("link-local-ip", address));
  if (!ip_.empty()) BERTH_TRY_OK(first.take("ip", ip_.back()));
  if (!ip6_.empty()) BERTH_TRY_OK(first.take("ip6", ip6_.back()));
  if (!mac_.empty()) model.set("/mac_address", mac_.back(), "--mac-address");
  for (const NetworkPlace& one : attachments) {
    if (!is_mode(one.network)) {
      model.declare("networks", one.network, {{"name", one.network}, {"external", true}}, kNetworkFlag);
      model.add("/networks", one.network, one.config.empty() ? Json() : one.config, kNetworkFlag);
      continue;
    }
    if (attachments.size() > 1)
      return make_error(fmt::format("{} {} excludes other networks", kNetworkFlag, printable(one.network)));
    if (!one.config.empty())
      return make_error(
          fmt::format("{} {} takes no address and no alias of its own", kNetworkFlag, printable(one.network)),
          "networks that `berth network create` makes do");
    model.set("/network_mode", one.network, kNetworkFlag);
  }
  return {};
}

}  // namespace berth::cli
