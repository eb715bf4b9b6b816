#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/codecs.h"
#include "compose/port.h"
#include "compose/volume.h"

namespace berth::compose {
namespace {

using Item = void (*)(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out);

/// Rewrites each scalar item of a list; an item may become several or none (after an error). Maps stay.
void each_item(Tree& tree, const Path& path, Diagnostics& diagnostics, Item rewrite) {
  if (!tree.is_list()) return;
  std::vector<Tree> items;
  for (size_t i = 0; i < tree.items.size(); ++i) {
    Tree& item = tree.items[i];
    Path item_path{&path, {}, static_cast<long>(i)};
    if (item.is_map()) {
      items.push_back(std::move(item));
    } else if (item.is_scalar() && !item.is_null()) {
      rewrite(item, item_path, diagnostics, items);
    } else {
      In{item, item_path, diagnostics}.wrong_kind("a string or a map");
    }
  }
  tree.items = std::move(items);
}

/// Gives a tree that was made from a short form the place of that form.
void set_span(Tree& tree, const SourceSpan& span) {
  tree.span = span;
  for (Tree& item : tree.items) set_span(item, span);
  for (Member& member : tree.members) {
    member.key_span = span;
    set_span(member.value, span);
  }
}

Tree map_at(const SourceSpan& span, std::initializer_list<std::pair<std::string_view, std::string>> entries) {
  Tree map = Tree::map(span);
  for (const auto& [key, text] : entries) map.set(key, Tree::string(text, span));
  return map;
}

/// A list of names becomes a map whose values `fill` makes.
void names_to_map(Tree& tree, const Path& path, Diagnostics& diagnostics, Tree (*fill)(const SourceSpan&)) {
  if (!tree.is_list()) return;
  Tree map = Tree::map(tree.span);
  map.directive = tree.directive;
  for (size_t i = 0; i < tree.items.size(); ++i) {
    const Tree& item = tree.items[i];
    Path item_path{&path, {}, static_cast<long>(i)};
    if (!item.is_string())
      In{item, item_path, diagnostics}.wrong_kind("a name");
    else
      map.set(item.text, fill(item.span));
  }
  tree = std::move(map);
}

template <class T, const Table& (*kTable)()>
bool decode_items(const In& in, std::vector<T>& value) {
  if (!ObjectList<T, kTable>::decode(in, value)) return false;
  if constexpr (requires(T item) { item.span; }) {
    for (size_t i = 0; i < value.size(); ++i) value[i].span = in.tree.items[i].span;
  }
  return true;
}

/// An object's map, which may be null, into a map of them.
template <class T>
bool decode_named(const In& in, const Table& table, std::map<std::string, T>& value) {
  if (!in.tree.is_map()) return in.wrong_kind("a list of names or a map"), false;
  for (const Member& member : in.tree.members) {
    T& object = value[member.key];
    object.span = member.key_span;
    if (member.value.is_null()) continue;
    Path path{&in.path, member.key};
    In item{member.value, path, in.diagnostics};
    if (member.value.is_map())
      decode_object(item, table, &object);
    else
      item.wrong_kind("a map");
  }
  return true;
}

// ---- ports

constexpr std::array<std::string_view, 3> kProtocols = {"tcp", "udp", "sctp"};
constexpr std::array<std::string_view, 2> kPortModes = {"ingress", "host"};

struct Published : TextOrNumber {
  static bool decode(const In& in, std::string& value) {
    if (!TextOrNumber::decode(in, value)) return false;
    if (value.empty() || valid_port_range(value)) return true;
    in.error(fmt::format("\"{}\" is not a port or a range of ports", value), "write \"8080\" or \"8000-8010\"");
    return false;
  }
};
/// Shown only if there is something to show.
template <class Base>
struct IfAny : Base {
  static bool encode(const std::string& value, Tree& out) { return !value.empty() && Base::encode(value, out); }
};

constexpr Attr kPortRows[] = {
    attr<&Port::app_protocol, IfAny<Text>>("app_protocol").ignored(),
    attr<&Port::host_ip, IfAny<IpAddress>>("host_ip"),
    attr<&Port::mode, OneOf<kPortModes>>("mode"),
    attr<&Port::name, IfAny<Text>>("name").ignored(),
    attr<&Port::protocol, OneOf<kProtocols>>("protocol"),
    attr<&Port::published, IfAny<Published>>("published"),
    attr<&Port::target, PortNumber>("target"),
};
const Table& port_table() {
  static constexpr Table kTable{"port", kPortRows};
  return kTable;
}

void port_to_long(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out) {
  Result<std::vector<Port>> ports = parse_port(item.text);
  if (!ports.ok()) {
    std::string hint = ports.error().hint.empty() ? "the form is [[ip:]host:]container[/protocol]" : ports.error().hint;
    diagnostics.error(item.span, fmt::format("{}: \"{}\": {}", path.str(), item.text, ports.error().message()), hint);
    return;
  }
  for (const Port& port : *ports) {
    Tree tree = Tree::map();
    encode_object(&port, port_table(), tree);
    set_span(tree, item.span);
    out.push_back(std::move(tree));
  }
}

// ---- volumes

struct MountType : CodecBase {
  using Value = Mount::Type;
  static bool decode(const In& in, Mount::Type& value) {
    static constexpr std::array<std::string_view, 6> kTypes = {"bind", "volume", "tmpfs", "image", "npipe", "cluster"};
    std::string word;
    if (!Text::decode(in, word) || !check_word(in, word, kTypes)) return false;
    value = static_cast<Mount::Type>(std::find(kTypes.begin(), kTypes.end(), word) - kTypes.begin());
    return true;
  }
  static bool encode(const Mount::Type& value, Tree& out) {
    return Text::encode(std::string(mount_type_name(value)), out);
  }
};

struct TargetPath : Text {
  static bool decode(const In& in, std::string& value) {
    if (!Text::decode(in, value)) return false;
    if (!value.starts_with('/')) return in.error(fmt::format("\"{}\" is not an absolute path", value)), false;
    value = clean_path(value);
    return true;
  }
};

constexpr std::array<std::string_view, 6> kPropagations = {"private", "rprivate", "rshared",
                                                           "rslave",  "shared",   "slave"};
constexpr std::array<std::string_view, 2> kSelinux = {"z", "Z"};
constexpr std::array<std::string_view, 4> kRecursive = {"enabled", "disabled", "writable", "readonly"};

constexpr Attr kBindRows[] = {
    attr<&BindOptions::create_host_path, Flag>("create_host_path"),
    attr<&BindOptions::propagation, OneOf<kPropagations>>("propagation"),
    attr<&BindOptions::recursive, OneOf<kRecursive>>("recursive"),
    attr<&BindOptions::selinux, OneOf<kSelinux>>("selinux").ignored(),
};
constexpr Attr kVolumeRows[] = {
    attr<&VolumeOptions::labels, Labels>("labels"),
    attr<&VolumeOptions::nocopy, Flag>("nocopy"),
    attr<&VolumeOptions::subpath, Text>("subpath"),
};
constexpr Attr kTmpfsRows[] = {
    attr<&TmpfsOptions::mode, FileMode>("mode"),
    attr<&TmpfsOptions::size, Bytes>("size"),
};
constexpr Attr kImageRows[] = {attr<&ImageOptions::subpath, Text>("subpath")};

const Table& bind_table() {
  static constexpr Table kTable{"bind mount", kBindRows};
  return kTable;
}
const Table& volume_options_table() {
  static constexpr Table kTable{"volume mount", kVolumeRows};
  return kTable;
}
const Table& tmpfs_table() {
  static constexpr Table kTable{"tmpfs mount", kTmpfsRows};
  return kTable;
}
const Table& image_options_table() {
  static constexpr Table kTable{"image mount", kImageRows};
  return kTable;
}

constexpr Attr kMountRows[] = {
    attr<&Mount::bind, Object<BindOptions, bind_table>>("bind"),
    attr<&Mount::consistency, Text>("consistency").ignored(),
    attr<&Mount::image, Object<ImageOptions, image_options_table>>("image"),
    attr<&Mount::read_only, Flag>("read_only"),
    attr<&Mount::source, IfAny<Text>>("source"),
    attr<&Mount::target, TargetPath>("target"),
    attr<&Mount::tmpfs, Object<TmpfsOptions, tmpfs_table>>("tmpfs"),
    attr<&Mount::type, MountType>("type"),
    attr<&Mount::volume, Object<VolumeOptions, volume_options_table>>("volume"),
};
const Table& mount_table() {
  static constexpr Table kTable{"volume", kMountRows};
  return kTable;
}

void mount_to_long(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out) {
  std::vector<std::string> unknown;
  Result<Mount> mount = parse_mount(item.text, unknown);
  if (!mount.ok()) {
    diagnostics.error(item.span, fmt::format("{}: \"{}\": {}", path.str(), item.text, mount.error().message()),
                      mount.error().hint);
    return;
  }
  for (const std::string& option : unknown) {
    diagnostics.warning(item.span,
                        fmt::format("{}: the option \"{}\" means nothing and is dropped", path.str(), option));
  }
  Tree tree = Tree::map();
  encode_object(&*mount, mount_table(), tree);
  set_span(tree, item.span);
  out.push_back(std::move(tree));
}

void require_key(const Tree& item, const Path& path, const char* key, Diagnostics& diagnostics) {
  if (!item.is_map() || item.find(key) != nullptr) return;
  diagnostics.error(item.span, fmt::format("{}: the {} is missing", path.str(), key));
}

void require_keys(const In& in, const char* key) {
  for (size_t i = 0; i < in.tree.items.size(); ++i) {
    require_key(in.tree.items[i], {&in.path, {}, static_cast<long>(i)}, key, in.diagnostics);
  }
}

// ---- devices

constexpr Attr kDeviceRows[] = {
    attr<&Device::permissions, Text>("permissions"),
    attr<&Device::source, Text>("source"),
    attr<&Device::target, Text>("target"),
};
const Table& device_table() {
  static constexpr Table kTable{"device", kDeviceRows};
  return kTable;
}

void device_to_long(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out) {
  std::vector<std::string> fields = split(item.text, ':');
  if (fields.size() > 3 || fields[0].empty()) {
    diagnostics.error(item.span, fmt::format("{}: \"{}\" is not a device", path.str(), item.text),
                      "write source[:target[:permissions]]");
    return;
  }
  Device device{fields[0], fields[0]};
  bool short_permissions = fields.size() == 2 && fields[1].find_first_not_of("rwm") == std::string::npos;
  if (fields.size() > 1 && !short_permissions) device.target = fields[1];
  if (short_permissions) device.permissions = fields[1];
  if (fields.size() == 3) device.permissions = fields[2];
  out.push_back(
      map_at(item.span, {{"source", device.source}, {"target", device.target}, {"permissions", device.permissions}}));
}

// ---- env_file

struct EnvFormat : CodecBase {
  using Value = bool;
  static bool decode(const In& in, bool& raw) {
    static constexpr std::array<std::string_view, 1> kFormats = {"raw"};
    std::string word;
    raw = Text::decode(in, word) && check_word(in, word, kFormats);
    return raw;
  }
  static bool encode(const bool& raw, Tree& out) { return raw && Text::encode("raw", out); }
};
constexpr Attr kEnvFileRows[] = {
    attr<&EnvFile::raw, EnvFormat>("format"),
    attr<&EnvFile::path, Text>("path"),
    attr<&EnvFile::required, Flag>("required"),
};
const Table& env_file_table() {
  static constexpr Table kTable{"env_file", kEnvFileRows};
  return kTable;
}

// ---- secrets and configs of a service

constexpr Attr kGrantRows[] = {
    attr<&FileGrant::gid, TextOrNumber>("gid"), attr<&FileGrant::mode, FileMode>("mode"),
    attr<&FileGrant::source, Text>("source"),   attr<&FileGrant::target, IfAny<Text>>("target"),
    attr<&FileGrant::uid, TextOrNumber>("uid"),
};
const Table& grant_table() {
  static constexpr Table kTable{"secret or config", kGrantRows};
  return kTable;
}

void grant_to_long(Tree& item, std::string_view directory, std::vector<Tree>& out) {
  out.push_back(map_at(item.span, {{"source", item.text}, {"target", fmt::format("{}{}", directory, item.text)}}));
}

// ---- depends_on

struct ConditionWord : CodecBase {
  using Value = Condition;
  static bool decode(const In& in, Condition& value) {
    static constexpr std::array<std::string_view, 3> kConditions = {"service_started", "service_healthy",
                                                                    "service_completed_successfully"};
    std::string word;
    if (!Text::decode(in, word) || !check_word(in, word, kConditions)) return false;
    value = static_cast<Condition>(std::find(kConditions.begin(), kConditions.end(), word) - kConditions.begin());
    return true;
  }
  static bool encode(const Condition& value, Tree& out) {
    return Text::encode(std::string(condition_name(value)), out);
  }
};
struct IfTrue : Flag {
  static bool encode(const bool& value, Tree& out) { return value && Flag::encode(value, out); }
};
constexpr Attr kDependencyRows[] = {
    attr<&Dependency::condition, ConditionWord>("condition"),
    attr<&Dependency::required, Flag>("required"),
    attr<&Dependency::restart, IfTrue>("restart"),
};

// ---- networks of a service

constexpr Attr kAttachmentRows[] = {
    attr<&NetworkAttachment::aliases, UniqueList>("aliases"),
    attr<&NetworkAttachment::driver_opts, Options>("driver_opts").accepted(),
    attr<&NetworkAttachment::gw_priority, Integer>("gw_priority").accepted(),
    attr<&NetworkAttachment::interface_name, Text>("interface_name").accepted(),
    attr<&NetworkAttachment::ipv4_address, IpAddress>("ipv4_address"),
    attr<&NetworkAttachment::ipv6_address, IpAddress>("ipv6_address").accepted(),
    attr<&NetworkAttachment::link_local_ips, TextList>("link_local_ips").accepted(),
    attr<&NetworkAttachment::mac_address, Text>("mac_address").accepted(),
    attr<&NetworkAttachment::priority, Integer>("priority").accepted(),
};

}  // namespace

void Ports::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, port_to_long);
}
bool Ports::decode(const In& in, std::vector<Port>& value) {
  require_keys(in, "target");
  return decode_items<Port, port_table>(in, value);
}
bool Ports::encode(const std::vector<Port>& value, Tree& out) {
  return ObjectList<Port, port_table>::encode(value, out);
}

void Mounts::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, mount_to_long);
}
bool Mounts::decode(const In& in, std::vector<Mount>& value) {
  require_keys(in, "type");
  require_keys(in, "target");
  return decode_items<Mount, mount_table>(in, value);
}
bool Mounts::encode(const std::vector<Mount>& value, Tree& out) {
  return ObjectList<Mount, mount_table>::encode(value, out);
}

void Devices::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, device_to_long);
}
bool Devices::decode(const In& in, std::vector<Device>& value) {
  require_keys(in, "source");
  if (!decode_items<Device, device_table>(in, value)) return false;
  for (Device& device : value) {
    if (device.target.empty()) device.target = device.source;
  }
  return true;
}
bool Devices::encode(const std::vector<Device>& value, Tree& out) {
  return ObjectList<Device, device_table>::encode(value, out);
}

void EnvFiles::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  if (tree.is_string()) {
    Tree list = Tree::list(tree.span);
    list.directive = tree.directive;
    list.items.push_back(std::move(tree));
    tree = std::move(list);
  }
  each_item(tree, path, diagnostics, [](Tree& item, const Path&, Diagnostics&, std::vector<Tree>& out) {
    out.push_back(map_at(item.span, {{"path", item.text}}));
  });
}
bool EnvFiles::decode(const In& in, std::vector<EnvFile>& value) {
  require_keys(in, "path");
  return decode_items<EnvFile, env_file_table>(in, value);
}
bool EnvFiles::encode(const std::vector<EnvFile>& value, Tree& out) {
  return ObjectList<EnvFile, env_file_table>::encode(value, out);
}

void SecretGrants::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, [](Tree& item, const Path&, Diagnostics&, std::vector<Tree>& out) {
    grant_to_long(item, "/run/secrets/", out);
  });
}
bool SecretGrants::decode(const In& in, std::vector<FileGrant>& value) {
  require_keys(in, "source");
  return decode_items<FileGrant, grant_table>(in, value);
}
bool SecretGrants::encode(const std::vector<FileGrant>& value, Tree& out) {
  return ObjectList<FileGrant, grant_table>::encode(value, out);
}

void ConfigGrants::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics,
            [](Tree& item, const Path&, Diagnostics&, std::vector<Tree>& out) { grant_to_long(item, "/", out); });
}
bool ConfigGrants::decode(const In& in, std::vector<FileGrant>& value) {
  return SecretGrants::decode(in, value);
}
bool ConfigGrants::encode(const std::vector<FileGrant>& value, Tree& out) {
  return SecretGrants::encode(value, out);
}

const Table& Dependencies::table() {
  static constexpr Table kTable{"dependency", kDependencyRows};
  return kTable;
}
void Dependencies::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  names_to_map(tree, path, diagnostics, [](const SourceSpan& span) {
    return map_at(span, {{"condition", "service_started"}});
  });
}
bool Dependencies::decode(const In& in, DependencyMap& value) {
  return decode_named(in, table(), value);
}
bool Dependencies::encode(const DependencyMap& value, Tree& out) {
  out = Tree::map();
  for (const auto& [name, dependency] : value) {
    Tree tree = Tree::map();
    encode_object(&dependency, table(), tree);
    out.members.push_back({name, {}, std::move(tree)});
  }
  return !value.empty();
}

const Table& Attachments::table() {
  static constexpr Table kTable{"network attachment", kAttachmentRows};
  return kTable;
}
void Attachments::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  names_to_map(tree, path, diagnostics, [](const SourceSpan& span) { return Tree::null(span); });
}
bool Attachments::decode(const In& in, AttachmentMap& value) {
  return decode_named(in, table(), value);
}
bool Attachments::encode(const AttachmentMap& value, Tree& out) {
  out = Tree::map();
  for (const auto& [name, attachment] : value) {
    Tree tree;
    encode_object(&attachment, table(), tree);
    if (!tree.members.empty()) tree.kind = Tree::Kind::map;
    out.members.push_back({name, {}, std::move(tree)});
  }
  return !value.empty();
}

// ---- ulimits: a number or {soft, hard}

bool Ulimits::decode(const In& in, UlimitMap& value) {
  static constexpr Attr kRows[] = {attr<&Ulimit::hard, Integer>("hard"), attr<&Ulimit::soft, Integer>("soft")};
  static constexpr Table kTable{"ulimit", kRows};
  if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
  for (const Member& member : in.tree.members) {
    Path path{&in.path, member.key};
    In item{member.value, path, in.diagnostics};
    Ulimit& limit = value[member.key];
    if (member.value.is_map()) {
      for (const char* key : {"soft", "hard"}) require_key(member.value, path, key, in.diagnostics);
      decode_object(item, kTable, &limit);
    } else if (Integer::decode(item, limit.soft)) {
      limit.hard = limit.soft;
      limit.single = true;
    }
  }
  return true;
}
bool Ulimits::encode(const UlimitMap& value, Tree& out) {
  out = Tree::map();
  for (const auto& [name, limit] : value) {
    Tree tree = Tree::integer(limit.soft);
    if (!limit.single) {
      tree = Tree::map();
      tree.set("hard", Tree::integer(limit.hard));
      tree.set("soft", Tree::integer(limit.soft));
    }
    out.members.push_back({name, {}, std::move(tree)});
  }
  return !value.empty();
}

void BuildForm::to_long(Tree& tree, const Path&, Diagnostics&) {
  if (!tree.is_string()) return;
  Tree map = Tree::map(tree.span);
  map.directive = tree.directive;
  SourceSpan span = tree.span;
  map.set("context", Tree::string(std::move(tree.text), std::move(span)));
  tree = std::move(map);
}

}  // namespace berth::compose
