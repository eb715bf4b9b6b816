#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/items.h"

namespace berth::compose {
namespace {

// ---- devices

constexpr Attr kDeviceRows[] = {
    attr<&Device::permissions, Text>("permissions"),
    attr<&Device::source, Text>("source"),
    attr<&Device::target, Text>("target"),
};
const Table& device_table() {
  static constexpr Table kTable{"device", kDeviceRows, extensions_of<Device>};
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
  static constexpr Table kTable{"env_file", kEnvFileRows, extensions_of<EnvFile>};
  return kTable;
}

// ---- secrets and configs of a service

constexpr std::string_view kOwnedByContent = "of content and environment; a file keeps its own";

constexpr Attr kGrantRows[] = {
    attr<&FileGrant::gid, TextOrNumber>("gid").remark(kOwnedByContent),
    attr<&FileGrant::mode, FileMode>("mode").remark(kOwnedByContent),
    attr<&FileGrant::source, Text>("source"),
    attr<&FileGrant::target, IfAny<Text>>("target"),
    attr<&FileGrant::uid, TextOrNumber>("uid").remark(kOwnedByContent),
};
const Table& grant_table() {
  static constexpr Table kTable{"secret or config", kGrantRows, extensions_of<FileGrant>};
  return kTable;
}

void grant_to_long(Tree& item, const Path&, Diagnostics&, std::vector<Tree>& out) {
  out.push_back(map_at(item.span, {{"source", item.text}}));
}

}  // namespace

const Table& Devices::table() {
  return device_table();
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

const Table& EnvFiles::table() {
  return env_file_table();
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

const Table& SecretGrants::table() {
  return grant_table();
}
const Table& ConfigGrants::table() {
  return grant_table();
}
void SecretGrants::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, grant_to_long);
}
bool SecretGrants::decode(const In& in, std::vector<FileGrant>& value) {
  require_keys(in, "source");
  return decode_items<FileGrant, grant_table>(in, value);
}
bool SecretGrants::encode(const std::vector<FileGrant>& value, Tree& out) {
  return ObjectList<FileGrant, grant_table>::encode(value, out);
}

void ConfigGrants::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, grant_to_long);
}
bool ConfigGrants::decode(const In& in, std::vector<FileGrant>& value) {
  return SecretGrants::decode(in, value);
}
bool ConfigGrants::encode(const std::vector<FileGrant>& value, Tree& out) {
  return SecretGrants::encode(value, out);
}

// ---- ulimits: a number or {soft, hard}

const Table& Ulimits::table() {
  static constexpr Attr kRows[] = {attr<&Ulimit::hard, Integer>("hard"), attr<&Ulimit::soft, Integer>("soft")};
  static constexpr Table kTable{"ulimit", kRows, extensions_of<Ulimit>};
  return kTable;
}
bool Ulimits::decode(const In& in, UlimitMap& value) {
  if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
  for (const Member& member : in.tree.members) {
    Path path{&in.path, member.key};
    In item{member.value, path, in.diagnostics};
    if (member.key.empty() || member.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos) {
      in.diagnostics.error(member.key_span, fmt::format("{}: a limit is named in small letters only", path.str()));
    }
    Ulimit& limit = value[member.key];
    if (member.value.is_map()) {
      for (const char* key : {"soft", "hard"}) require_key(member.value, path, key, in.diagnostics);
      decode_object(item, table(), &limit);
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
      for (const Member& extension : limit.extensions.members) tree.set(extension.key, extension.value);
    }
    out.members.push_back({name, {}, std::move(tree)});
  }
  return !value.empty();
}

// ---- devices that are asked for by what they can do

namespace {

/// A number, or -1 for "all".
struct DeviceCount : CodecBase {
  using Value = int64_t;
  static bool decode(const In& in, int64_t& value) {
    if (in.tree.is_string() && in.tree.text == "all") return value = -1, true;
    return Integer::decode(in, value);
  }
  static bool encode(const int64_t& value, Tree& out) { return Integer::encode(value, out); }
};

constexpr Attr kDeviceRequestRows[] = {
    shape<TextList>("capabilities"), shape<DeviceCount>("count"), shape<TextList>("device_ids"),
    shape<Text>("driver"),           shape<Labels>("options"),
};

}  // namespace

const Table& DeviceRequests::table() {
  static constexpr Table kTable{"device request", kDeviceRequestRows};
  return kTable;
}
void DeviceRequests::to_long(Tree& tree, const Path&, Diagnostics&) {
  if (!tree.is_string() || tree.text != "all") return;
  Tree list = Tree::list(tree.span);
  list.directive = tree.directive;
  list.items.push_back(map_at(tree.span, {{"count", "all"}}));
  tree = std::move(list);
}
bool DeviceRequests::decode(const In& in, Unbound&) {
  std::vector<Unbound> items;
  if (!ObjectList<Unbound, table>::decode(in, items)) return false;
  for (size_t i = 0; i < in.tree.items.size(); ++i) {
    const Tree& item = in.tree.items[i];
    if (item.find("count") == nullptr || item.find("device_ids") == nullptr) continue;
    In{item, Path{&in.path, {}, static_cast<long>(i)}, in.diagnostics}.error("count and device_ids exclude each other");
  }
  return true;
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
