#include <fmt/core.h>

#include "compose/codecs.h"

namespace berth::compose {
namespace {

constexpr std::string_view kSwarm = "it is for swarm";
constexpr std::string_view kBridgeOptions =
    "com.docker.network.bridge.name, .enable_icc, .enable_ip_masquerade, .gateway_mode_ipv4, .host_binding_ipv4, "
    "com.docker.network.driver.mtu, com.docker.network.container_iface_prefix; parent, macvlan_mode, ipvlan_mode, "
    "ipvlan_flag";

/// False is not shown: a resource that is ours says nothing about it.
struct External : Flag {
  static bool encode(const bool& value, Tree& out) { return value && Flag::encode(value, out); }
};
/// A name that was not written is empty until normalize() fills it in.
struct Name : Text {
  static bool encode(const std::string& value, Tree& out) { return !value.empty() && Text::encode(value, out); }
};

bool valid_name(const std::string& name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                              std::string::npos;
}

/// A map from names to objects of the top level.
template <class T, const Table& (*kTable)()>
struct Named : CodecBase {
  using Value = std::map<std::string, T>;
  static constexpr Below below() { return {Below::Kind::map_of_objects, kTable}; }
  static bool decode(const In& in, Value& value) {
    if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
    for (const Member& member : in.tree.members) decode_one(in, member, value[member.key]);
    return true;
  }
  static void decode_one(const In& in, const Member& member, T& object) {
    object.span = member.key_span;
    if (!valid_name(member.key)) {
      in.diagnostics.error(member.key_span, fmt::format("\"{}\" is not a name for a {}", member.key, kTable().object),
                           "letters, digits, \".\", \"_\" and \"-\" are allowed");
    }
    Path path{&in.path, member.key};
    In item{member.value, path, in.diagnostics};
    PlaceNote note = nullptr;
    if constexpr (std::is_same_v<T, Service>) {
      object.name = member.key;
      note = [](void* service, std::string_view key, const SourceSpan& span) {
        static_cast<Service*>(service)->places.emplace_back(key, span);
      };
    }
    bool may_be_null = std::is_same_v<T, Network> || std::is_same_v<T, Volume>;
    if (member.value.is_map()) return decode_object(item, kTable(), &object, note);
    if (!member.value.is_null() || !may_be_null) {
      in.diagnostics.error(member.value.is_null() ? member.key_span : member.value.span,
                           fmt::format("{} must be a map, not {}", path.str(), kind_name(member.value.kind)));
    }
  }
  static bool encode(const Value& value, Tree& out) {
    out = Tree::map();
    for (const auto& [name, object] : value) {
      Tree tree = Tree::map();
      encode_object(&object, kTable(), tree);
      out.members.push_back({name, {}, std::move(tree)});
    }
    return !value.empty();
  }
};

constexpr Attr kPoolRows[] = {
    attr<&IpamPool::aux_addresses, Options>("aux_addresses"),
    attr<&IpamPool::gateway, IpAddress>("gateway"),
    attr<&IpamPool::ip_range, CidrBlock>("ip_range"),
    attr<&IpamPool::subnet, CidrBlock>("subnet"),
};
const Table& pool_table() {
  static constexpr Table kTable{"ipam pool", kPoolRows, extensions_of<IpamPool>};
  return kTable;
}
constexpr Attr kIpamRows[] = {
    attr<&Ipam::config, ObjectList<IpamPool, pool_table, Merge::by_subnet>>("config"),
    attr<&Ipam::driver, Text>("driver").remark("default"),
    attr<&Ipam::options, Options>("options").accepted(),
};
const Table& ipam_table() {
  static constexpr Table kTable{"ipam section", kIpamRows, extensions_of<Ipam>};
  return kTable;
}

constexpr Attr kNetworkRows[] = {
    attr<&Network::attachable, IfTrue>("attachable").remark("every container can be connected by hand"),
    attr<&Network::driver, Text>("driver").remark("bridge, macvlan, ipvlan, host, none"),
    attr<&Network::driver_opts, Options>("driver_opts").remark(kBridgeOptions),
    attr<&Network::enable_ipv4, Flag>("enable_ipv4"),
    attr<&Network::enable_ipv6, Flag>("enable_ipv6"),
    attr<&Network::external, External>("external"),
    attr<&Network::internal, IfTrue>("internal"),
    attr<&Network::ipam, FilledObject<Ipam, ipam_table>>("ipam"),
    attr<&Network::labels, Labels>("labels"),
    attr<&Network::name, Name>("name"),
};

constexpr Attr kNamedVolumeRows[] = {
    attr<&Volume::driver, Text>("driver").remark("local"),
    attr<&Volume::driver_opts, Options>("driver_opts").remark("type, device, o"),
    attr<&Volume::external, External>("external"),
    attr<&Volume::labels, Labels>("labels"),
    attr<&Volume::name, Name>("name"),
};

constexpr Attr kSecretRows[] = {
    attr<&FileObject::driver, Text>("driver").refused(kSwarm),
    attr<&FileObject::driver_opts, Options>("driver_opts").refused(kSwarm),
    attr<&FileObject::environment, Text>("environment"),
    attr<&FileObject::external, External>("external").remark("refused: there is no store of them"),
    attr<&FileObject::file, Text>("file"),
    attr<&FileObject::labels, Labels>("labels").ignored(kSwarm),
    attr<&FileObject::name, Name>("name").ignored(kSwarm),
    attr<&FileObject::template_driver, Text>("template_driver").refused(kSwarm),
};

constexpr Attr kConfigRows[] = {
    attr<&FileObject::content, Text>("content"),
    attr<&FileObject::environment, Text>("environment"),
    attr<&FileObject::external, External>("external").remark("refused: there is no store of them"),
    attr<&FileObject::file, Text>("file"),
    attr<&FileObject::labels, Labels>("labels").ignored(kSwarm),
    attr<&FileObject::name, Name>("name").ignored(kSwarm),
    attr<&FileObject::template_driver, Text>("template_driver").refused(kSwarm),
};

constexpr Attr kModelRows[] = {
    shape<Integer>("context_size"),
    shape<Text>("model"),
    shape<Text>("name"),
    shape<TextList>("runtime_flags"),
};
const Table& model_table() {
  static constexpr Table kTable{"model", kModelRows};
  return kTable;
}
/// Models by name; each must say which one it is.
struct Models : CodecBase {
  using Value = Unbound;
  static constexpr Below below() { return {Below::Kind::map_of_objects, model_table}; }
  static bool decode(const In& in, Unbound&) {
    if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
    for (const Member& member : in.tree.members) {
      Path path{&in.path, member.key};
      In item{member.value, path, in.diagnostics};
      if (!member.value.is_map()) {
        item.wrong_kind("a map");
        continue;
      }
      require_key(member.value, path, "model", in.diagnostics);
      decode_object(item, model_table(), nullptr);
    }
    return true;
  }
};

constexpr Attr kProjectRows[] = {
    attr<&Project::configs, Named<FileObject, config_table>>("configs"),
    shape<IncludeList>("include"),
    attr<&Project::models, Kept<Models>>("models").refused("there is no runner of models"),
    attr<&Project::name, Name>("name"),
    attr<&Project::networks, Named<Network, network_table>>("networks"),
    attr<&Project::secrets, Named<FileObject, secret_table>>("secrets"),
    attr<&Project::services, Named<Service, service_table>>("services"),
    shape<AnyTree>("version"),
    attr<&Project::volumes, Named<Volume, volume_table>>("volumes"),
};

}  // namespace

const Table& network_table() {
  static constexpr Table kTable{"network", kNetworkRows, extensions_of<Network>};
  return kTable;
}
const Table& volume_table() {
  static constexpr Table kTable{"volume", kNamedVolumeRows, extensions_of<Volume>};
  return kTable;
}
const Table& secret_table() {
  static constexpr Table kTable{"secret", kSecretRows, extensions_of<FileObject>};
  return kTable;
}
const Table& config_table() {
  static constexpr Table kTable{"config", kConfigRows, extensions_of<FileObject>};
  return kTable;
}
const Table& project_table() {
  static constexpr Table kTable{"compose file", kProjectRows, extensions_of<Project>};
  return kTable;
}

}  // namespace berth::compose
