#include <fmt/core.h>

#include <algorithm>

#include "compose/items.h"

namespace berth::compose {
namespace {

/// A list of names becomes a map whose values `fill` makes.
void names_to_map(Tree& tree, const Path& path, Diagnostics& diagnostics, Tree (*fill)(const SourceSpan&)) {
  if (!tree.is_list()) return;
  Tree map = Tree::map(tree.span);
  map.directive = tree.directive;
  KeyIndex index(map);
  for (size_t i = 0; i < tree.items.size(); ++i) {
    const Tree& item = tree.items[i];
    Path item_path{&path, {}, static_cast<long>(i)};
    if (!item.is_string()) {
      In{item, item_path, diagnostics}.wrong_kind("a name");
    } else if (index.find(item.text)) {
      In{item, item_path, diagnostics}.error(fmt::format("\"{}\" is there twice", item.text));
    } else {
      index.add(item.text);
      map.members.push_back({item.text, item.span, fill(item.span)});
    }
  }
  tree = std::move(map);
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
constexpr Attr kDependencyRows[] = {
    attr<&Dependency::condition, ConditionWord>("condition"),
    attr<&Dependency::required, Flag>("required"),
    attr<&Dependency::restart, IfTrue>("restart"),
};

// ---- networks of a service

constexpr std::string_view kEndpointOptions = "com.docker.network.endpoint.ifname, com.docker.network.endpoint.sysctls";
constexpr Attr kAttachmentRows[] = {
    attr<&NetworkAttachment::aliases, UniqueList>("aliases"),
    attr<&NetworkAttachment::driver_opts, Options>("driver_opts").remark(kEndpointOptions),
    attr<&NetworkAttachment::gw_priority, Integer>("gw_priority"),
    attr<&NetworkAttachment::interface_name, Text>("interface_name"),
    attr<&NetworkAttachment::ipv4_address, IpAddress>("ipv4_address"),
    attr<&NetworkAttachment::ipv6_address, IpAddress>("ipv6_address"),
    attr<&NetworkAttachment::link_local_ips, TextList>("link_local_ips"),
    attr<&NetworkAttachment::mac_address, Text>("mac_address"),
    attr<&NetworkAttachment::priority, Integer>("priority"),
};

// ---- models of a service

constexpr Attr kModelRows[] = {shape<Text>("endpoint_var"), shape<Text>("model_var")};

}  // namespace

const Table& ServiceModels::table() {
  static constexpr Table kTable{"model of a service", kModelRows};
  return kTable;
}
void ServiceModels::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  names_to_map(tree, path, diagnostics, [](const SourceSpan& span) { return Tree::null(span); });
}
bool ServiceModels::decode(const In& in, Unbound&) {
  if (!in.tree.is_map()) return in.wrong_kind("a list of names or a map"), false;
  for (const Member& member : in.tree.members) {
    Path path{&in.path, member.key};
    In item{member.value, path, in.diagnostics};
    if (member.value.is_map())
      decode_object(item, table(), nullptr);
    else if (!member.value.is_null())
      item.wrong_kind("a map");
  }
  return true;
}

const Table& Dependencies::table() {
  static constexpr Table kTable{"dependency", kDependencyRows, extensions_of<Dependency>};
  return kTable;
}
void Dependencies::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  names_to_map(tree, path, diagnostics, [](const SourceSpan& span) {
    Tree dependency = map_at(span, {{"condition", "service_started"}});
    dependency.set("required", Tree::boolean(true, span));
    return dependency;
  });
}
bool Dependencies::decode(const In& in, DependencyMap& value) {
  for (const Member& member : in.tree.members) {
    if (!member.value.is_null() && !member.value.is_map()) continue;
    if (member.value.find("condition") != nullptr) continue;
    in.diagnostics.error(member.key_span, fmt::format("{}.{}: the condition is missing", in.path.str(), member.key),
                         "service_started, service_healthy or service_completed_successfully");
  }
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
  static constexpr Table kTable{"network attachment", kAttachmentRows, extensions_of<NetworkAttachment>};
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

}  // namespace berth::compose
