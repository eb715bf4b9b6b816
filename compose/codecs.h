#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "compose/attrs.h"
#include "compose/model.h"

namespace berth::compose {

// How values look in YAML. A codec reads a value in long form (`decode`: false and an error if it cannot) and shows it
// again (`encode`: false where there is nothing to show). `to_long` turns other forms into the long one beforehand.

/// What every codec has; a codec says only what is different.
struct CodecBase {
  static constexpr Merge kMerge = Merge::deep;
  static constexpr ToLongForm kToLong = nullptr;
  static constexpr Below below() { return {}; }
  static Tree empty() { return Tree::null(); }
  static constexpr bool kShowEmpty = true;  // whether "written, but empty" is shown
};

#define BERTH_CODEC(Name, Type)                       \
  struct Name : CodecBase {                           \
    using Value = Type;                               \
    static bool decode(const In& in, Type& value);    \
    static bool encode(const Type& value, Tree& out); \
  }
#define BERTH_CODEC_LONG(Name, Type, MergeRule)                                  \
  struct Name : CodecBase {                                                      \
    using Value = Type;                                                          \
    static constexpr Merge kMerge = MergeRule;                                   \
    static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics); \
    static constexpr ToLongForm kToLong = to_long;                               \
    static bool decode(const In& in, Type& value);                               \
    static bool encode(const Type& value, Tree& out);                            \
    static Tree empty() { return Tree::list(); }                                 \
  }

#define BERTH_CODEC_ITEMS(Name, Item, MergeRule)                                     \
  struct Name : CodecBase {                                                          \
    using Value = std::vector<Item>;                                                 \
    static constexpr Merge kMerge = MergeRule;                                       \
    static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);     \
    static constexpr ToLongForm kToLong = to_long;                                   \
    static const Table& table();                                                     \
    static constexpr Below below() { return {Below::Kind::list_of_objects, table}; } \
    static bool decode(const In& in, std::vector<Item>& value);                      \
    static bool encode(const std::vector<Item>& value, Tree& out);                   \
    static Tree empty() { return Tree::list(); }                                     \
  }

// Scalars. A number may be a string that reads as one: it may have come out of a variable.
BERTH_CODEC(Text, std::string);
BERTH_CODEC(TextOrNumber, std::string);
BERTH_CODEC(TextOrFlag, std::string);
BERTH_CODEC(Flag, bool);
BERTH_CODEC(Integer, int64_t);
BERTH_CODEC(Number, double);
BERTH_CODEC(Bytes, int64_t);
BERTH_CODEC(Time, Duration);
BERTH_CODEC(Micros, int64_t);       // a number of microseconds, or a duration
BERTH_CODEC(FileMode, uint32_t);    // a string is octal
struct FileModeNumber : FileMode {  // shown as a number
  static bool encode(const uint32_t& value, Tree& out) { return out = Tree::integer(value), true; }
};
BERTH_CODEC(PortNumber, uint16_t);
BERTH_CODEC(IpAddress, std::string);
BERTH_CODEC(CidrBlock, std::string);
BERTH_CODEC(RestartText, Restart);
BERTH_CODEC(PullPolicy, std::string);
BERTH_CODEC(NamespaceMode, std::string);  // host, service:x, ...: checked when all services are known
BERTH_CODEC(AnyTree, Tree);

/// An integer that is not below 0.
struct Count : Integer {
  static bool decode(const In& in, int64_t& value) {
    if (!Integer::decode(in, value)) return false;
    if (value < 0) in.error("must not be below 0");
    return value >= 0;
  }
};

/// A flag that is off where nobody sets it: shown only if it is on.
struct IfTrue : Flag {
  static constexpr bool kShowEmpty = false;
  static bool encode(const bool& value, Tree& out) { return value && Flag::encode(value, out); }
};

/// One of a few words.
template <const auto& kWords>
struct OneOf : CodecBase {
  using Value = std::string;
  static bool decode(const In& in, std::string& value);
  static bool encode(const std::string& value, Tree& out) { return Text::encode(value, out); }
};
/// True if `value` is one of the words, else an error that lists them.
bool check_word(const In& in, const std::string& value, std::span<const std::string_view> words);
template <const auto& kWords>
bool OneOf<kWords>::decode(const In& in, std::string& value) {
  return Text::decode(in, value) && check_word(in, value, kWords);
}

/// Where the x-... keys of an object go.
template <class T>
Tree* extensions_of(void* object) {
  return &static_cast<T*>(object)->extensions;
}

/// An error if `key` is not in the map.
void require_key(const Tree& map, const Path& path, std::string_view key, Diagnostics& diagnostics);

// Whom x-berth-probe asks.
BERTH_CODEC(HttpTarget, ProbeTarget);  // [http://][HOST:]PORT[/PATH]
BERTH_CODEC(TcpTarget, ProbeTarget);   // [HOST:]PORT
BERTH_CODEC(GrpcTarget, ProbeTarget);  // [HOST:]PORT[/SERVICE]

// Lists and maps of scalars.
BERTH_CODEC(TextList, Strings);    // duplicates kept
BERTH_CODEC(ScalarList, Strings);  // numbers too
struct UniqueList : TextList {
  static constexpr Merge kMerge = Merge::unique;
};
struct UniqueScalars : ScalarList {
  static constexpr Merge kMerge = Merge::unique;
};
BERTH_CODEC_LONG(TextOrList, Strings, Merge::unique);  // a string is a list of one
struct NonEmptyTexts : TextOrList {                    // "" is left out
  static bool decode(const In& in, Strings& value) {
    bool read = TextOrList::decode(in, value);
    std::erase(value, "");
    return read;
  }
};
BERTH_CODEC_LONG(Command, Strings, Merge::replace);       // a string is split as a shell does
BERTH_CODEC_LONG(ProbeCommand, Strings, Merge::replace);  // healthcheck.test
BERTH_CODEC_LONG(EnvMap, Env, Merge::pairs);              // map or list; without "=" the value comes from outside
BERTH_CODEC_LONG(Labels, Pairs, Merge::pairs);            // map or list; without "=" the value is ""
BERTH_CODEC_LONG(Hosts, Pairs, Merge::unique);            // extra_hosts: "name=address"
BERTH_CODEC(Options, Pairs);                              // a map of scalars

// Things with a short form.
BERTH_CODEC_ITEMS(Ports, Port, Merge::by_port);
BERTH_CODEC_ITEMS(Mounts, Mount, Merge::by_target);
BERTH_CODEC_ITEMS(Devices, Device, Merge::by_target);
BERTH_CODEC_ITEMS(EnvFiles, EnvFile, Merge::by_path);
BERTH_CODEC_ITEMS(SecretGrants, FileGrant, Merge::by_secret_target);
BERTH_CODEC_ITEMS(ConfigGrants, FileGrant, Merge::by_config_target);
using UlimitMap = std::map<std::string, Ulimit>;
struct Ulimits : CodecBase {  // a number or {soft, hard}
  using Value = UlimitMap;
  static constexpr Merge kMerge = Merge::pairs;
  static const Table& table();
  static constexpr Below below() { return {Below::Kind::map_of_objects, table}; }
  static bool decode(const In& in, UlimitMap& value);
  static bool encode(const UlimitMap& value, Tree& out);
};
using DependencyMap = std::map<std::string, Dependency>;
using AttachmentMap = std::map<std::string, NetworkAttachment>;

/// A list of names or a map of objects.
struct Dependencies : CodecBase {
  using Value = DependencyMap;
  static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);
  static constexpr ToLongForm kToLong = to_long;
  static constexpr Below below() { return {Below::Kind::map_of_objects, table}; }
  static const Table& table();
  static bool decode(const In& in, DependencyMap& value);
  static bool encode(const DependencyMap& value, Tree& out);
};
struct Attachments : CodecBase {
  using Value = AttachmentMap;
  static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);
  static constexpr ToLongForm kToLong = to_long;
  static constexpr Below below() { return {Below::Kind::map_of_objects, table}; }
  static const Table& table();
  static bool decode(const In& in, AttachmentMap& value);
  static bool encode(const AttachmentMap& value, Tree& out);
};

/// What must be in each object of a list.
template <class List, const auto& kKeys>
struct Requires : List {
  using Value = typename List::Value;
  static bool decode(const In& in, Value& value) {
    for (size_t i = 0; i < in.tree.items.size(); ++i) {
      Path path{&in.path, {}, static_cast<long>(i)};
      for (std::string_view key : kKeys) require_key(in.tree.items[i], path, key, in.diagnostics);
    }
    return List::decode(in, value);
  }
};

/// A map with the keys of a table.
template <class T, const Table& (*kTable)()>
struct Object : CodecBase {
  using Value = T;
  static constexpr Below below() { return {Below::Kind::object, kTable}; }
  static bool decode(const In& in, T& value) {
    if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
    decode_object(in, kTable(), &value);
    return true;
  }
  static bool encode(const T& value, Tree& out) {
    out = Tree::map();
    encode_object(&value, kTable(), out);
    return true;
  }
};

/// One that is not shown where nothing is in it.
template <class T, const Table& (*kTable)()>
struct FilledObject : Object<T, kTable> {
  static constexpr bool kShowEmpty = false;
  static bool encode(const T& value, Tree& out) {
    Object<T, kTable>::encode(value, out);
    return !out.members.empty();
  }
};

/// A list of such maps.
template <class T, const Table& (*kTable)(), Merge kRule = Merge::deep>
struct ObjectList : CodecBase {
  using Value = std::vector<T>;
  static constexpr Merge kMerge = kRule;
  static constexpr Below below() { return {Below::Kind::list_of_objects, kTable}; }
  static bool decode(const In& in, std::vector<T>& value) {
    if (!in.tree.is_list()) return in.wrong_kind("a list"), false;
    for (size_t i = 0; i < in.tree.items.size(); ++i) {
      Path path{&in.path, {}, static_cast<long>(i)};
      In item{in.tree.items[i], path, in.diagnostics};
      Object<T, kTable>::decode(item, value.emplace_back());
    }
    return true;
  }
  static bool encode(const std::vector<T>& value, Tree& out) {
    out = Tree::list();
    for (const T& item : value) Object<T, kTable>::encode(item, out.items.emplace_back());
    return !value.empty();
  }
};

/// Stands for an object whose shape alone is checked.
struct Unbound {};

/// A part that the model keeps as a Tree after its shape was checked.
template <class Checked>
struct Kept : CodecBase {
  using Value = Tree;
  static constexpr Merge kMerge = Checked::kMerge;
  static constexpr ToLongForm kToLong = Checked::kToLong;
  static constexpr Below below() { return Checked::below(); }
  static bool decode(const In& in, Tree& value) {
    typename Checked::Value checked{};
    Checked::decode(in, checked);
    value = in.tree;
    canonicalise(value, Checked::below());
    return true;
  }
  static bool encode(const Tree& value, Tree& out) {
    out = value;
    return !value.items.empty() || !value.members.empty();
  }
};

/// x-berth-probe: exactly one of the kinds of probes.
struct NativeProbeForm : Object<NativeProbe, native_probe_table> {
  static constexpr Merge kMerge = Merge::replace;
  static bool decode(const In& in, NativeProbe& value);
};

/// gpus and deploy.resources.reservations.devices; "all" is short for one request for all.
struct DeviceRequests : CodecBase {
  using Value = Unbound;
  static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);
  static constexpr ToLongForm kToLong = to_long;
  static const Table& table();
  static constexpr Below below() { return {Below::Kind::list_of_objects, table}; }
  static bool decode(const In& in, Unbound& value);
};

/// The models a service is given, by name.
struct ServiceModels : CodecBase {
  using Value = Unbound;
  static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);
  static constexpr ToLongForm kToLong = to_long;
  static const Table& table();
  static constexpr Below below() { return {Below::Kind::map_of_objects, table}; }
  static bool decode(const In& in, Unbound& value);
};

/// `include` and `extends`: followed and taken out before the rest is read (include.cpp, extends.cpp).
struct IncludeList : AnyTree {
  static constexpr Below below() { return {Below::Kind::list_of_objects, include_table}; }
};
struct ExtendsForm : AnyTree {
  static constexpr Below below() { return {Below::Kind::object, extends_table}; }
};

/// "build" may be a string.
struct BuildForm : Object<Build, build_table> {
  static void to_long(Tree& tree, const Path& path, Diagnostics& diagnostics);
  static constexpr ToLongForm kToLong = to_long;
};

}  // namespace berth::compose
