#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/diagnostics.h"
#include "compose/tree.h"

namespace berth::compose {

// One row per attribute. From the rows come unknown-key suggestions, the long form, merging, binding, `config` output
// and the support table, so that a new attribute is a field of the model and a row here.
//
// A row's codec (codecs.h) says how the value looks; the row only adds what the codec cannot know.

/// How the value of a later file joins that of an earlier one. Both are in long form.
enum class Merge {
  deep,              // maps key by key, lists appended, scalars replaced, null keeps the earlier
  replace,           // the later value, whole
  pairs,             // key by key, and null is a value
  unique,            // appended, exact repetitions dropped
  by_port,           // appended, unique by address, published and target port and protocol
  by_target,         // unique by `target`, the later one takes the place of the earlier
  by_secret_target,  // the same; without a target it is /run/secrets/SOURCE
  by_config_target,  // or /SOURCE
  by_path,           // unique by `path`, first place kept
  by_subnet,         // entries with the same `subnet` merge
  logging,           // options merge only under the same driver
};

enum class Support {
  applied,        // does what it says
  accepted_only,  // kept and shown by `config`, without effect yet: one warning
  ignored,        // means nothing on this platform or outside of swarm: accepted in silence
  refused,        // an error that says why
};

/// Where in the project a value stands, for messages: services.web.ports[0]. Lives on the stack of the walk.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;
  long index = -1;

  [[nodiscard]] std::string str() const;
};

/// One value on its way into the model.
struct In {
  const Tree& tree;
  const Path& path;
  Diagnostics& diagnostics;

  /// "services.web.init: <message>", at the place of the value.
  void error(const std::string& message, std::string hint = {}) const;
  void warning(const std::string& message, std::string hint = {}) const;
  /// "... must be <expected>, not <what it is>".
  void wrong_kind(std::string_view expected) const;
};

struct Table;

/// What is below a value, for the passes that walk trees without binding them.
struct Below {
  enum class Kind { nothing, object, map_of_objects, list_of_objects };
  Kind kind = Kind::nothing;
  const Table& (*table)() = nullptr;
};

using ToLongForm = void (*)(Tree& tree, const Path& path, Diagnostics& diagnostics);

struct Attr {
  std::string_view key;
  Merge merge = Merge::deep;
  Support support = Support::applied;
  std::string_view note;         // why it is not applied
  ToLongForm to_long = nullptr;  // null: there is only one form
  Below below;
  void (*decode)(const In& in, void* object) = nullptr;
  bool (*encode)(const void* object, Tree& out) = nullptr;  // false: not set, nothing to show
  void (*canonical)(Tree& value) = nullptr;                 // where the model keeps a Tree: the value as it is shown

  [[nodiscard]] constexpr Attr merged(Merge rule) const {
    Attr row = *this;
    row.merge = rule;
    return row;
  }
  [[nodiscard]] constexpr Attr accepted(std::string_view why = {}) const { return with(Support::accepted_only, why); }
  [[nodiscard]] constexpr Attr ignored(std::string_view why = {}) const { return with(Support::ignored, why); }
  [[nodiscard]] constexpr Attr refused(std::string_view why) const { return with(Support::refused, why); }
  /// Applied, but not in every form.
  [[nodiscard]] constexpr Attr remark(std::string_view what) const { return with(Support::applied, what); }

 private:
  [[nodiscard]] constexpr Attr with(Support status, std::string_view why) const {
    Attr row = *this;
    row.support = status;
    row.note = why;
    return row;
  }
};

/// The attributes of one kind of object, sorted by key.
struct Table {
  std::string_view object;  // "service": for messages
  std::span<const Attr> rows;
  Tree* (*extensions)(void* object) = nullptr;  // where x-* goes; null: it is allowed and dropped

  [[nodiscard]] const Attr* find(std::string_view key) const;
};

/// Notes where an attribute was written; for objects that keep it (services).
using PlaceNote = void (*)(void* object, std::string_view key, const SourceSpan& span);

/// Reads a map into the object (null for shape checks only). Unknown keys, wrong kinds and refused attributes are
/// errors.
void decode_object(const In& in, const Table& table, void* object, PlaceNote note = nullptr);

/// Brings values of rows without a field, which the model keeps as they were written, into the form that is shown.
void canonicalise(Tree& tree, const Below& below);

/// Unknown keys alone: for a map that is not read as a whole.
void check_keys(const Tree& tree, const Table& table, const Path& path, Diagnostics& diagnostics);

/// Shows all attributes of the object that are set.
void encode_object(const void* object, const Table& table, Tree& out);

/// What the passes to the long form have in common over a whole run.
struct LongFormRun {
  size_t grown = 0;         // by how many entries: a range of ports can stand for 65535 of them
  bool as_written = false;  // variables are not put in: values with a `$` are not understood, and stay as they are
};
constexpr size_t kMaxGrowth = 200'000;

/// Turns every short form below this object into the long one. An error where they grow too much.
void object_to_long_form(Tree& tree, const Table& table, const Path& path, LongFormRun& run, Diagnostics& diagnostics);

/// Lays `later` over `base`, which both are objects of this table.
void merge_object(Tree& base, Tree later, const Table& table, const Path& path, Diagnostics& diagnostics);

// The tables of the top level and below. Service's is in service_attrs.cpp, and so on.
[[nodiscard]] const Table& project_table();
[[nodiscard]] const Table& service_table();
[[nodiscard]] const Table& native_probe_table();
[[nodiscard]] const Table& build_table();
[[nodiscard]] const Table& deploy_table();
[[nodiscard]] const Table& network_table();
[[nodiscard]] const Table& volume_table();
[[nodiscard]] const Table& secret_table();
[[nodiscard]] const Table& config_table();
[[nodiscard]] const Table& include_table();
[[nodiscard]] const Table& extends_table();

namespace detail {

template <class>
struct MemberOf;
template <class Object, class Value>
struct MemberOf<Value Object::*> {
  using object = Object;
  using value = Value;
};

template <class T>
struct Unwrapped {
  using type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

template <class Codec, class Value>
void decode_member(const In& in, Value& member) {
  Codec::decode(in, member);
}
template <class Codec, class Value>
void decode_member(const In& in, std::optional<Value>& member) {
  Value value{};
  if (Codec::decode(in, value)) member = std::move(value);
}
template <class Codec, class Value>
bool encode_member(const Value& member, Tree& out) {
  return Codec::encode(member, out);
}
template <class Codec, class Value>
bool encode_member(const std::optional<Value>& member, Tree& out) {
  if (!member) return false;
  if (Codec::encode(*member, out)) return true;
  // Written but empty is shown too where that means something: an empty command is not the image's command.
  if (!Codec::kShowEmpty) return false;
  out = Codec::empty();
  return true;
}

template <class Codec>
constexpr Attr row_of(std::string_view key) {
  Attr row;
  row.key = key;
  row.merge = Codec::kMerge;
  row.to_long = Codec::kToLong;
  row.below = Codec::below();
  row.canonical = [](Tree& tree) {
    static const Path kNowhere;
    Diagnostics unused;  // decode() has reported what is wrong
    typename Codec::Value value{};
    if (Codec::decode({tree, kNowhere, unused}, value)) Codec::encode(value, tree);
  };
  return row;
}

}  // namespace detail

/// The row of a field: attr<&Service::init, Flag>("init").
template <auto Member, class Codec>
constexpr Attr attr(std::string_view key) {
  using Object = typename detail::MemberOf<decltype(Member)>::object;
  Attr row = detail::row_of<Codec>(key);
  row.decode = [](const In& in, void* object) {
    detail::decode_member<Codec>(in, static_cast<Object*>(object)->*Member);
  };
  row.encode = [](const void* object, Tree& out) {
    return detail::encode_member<Codec>(static_cast<const Object*>(object)->*Member, out);
  };
  return row;
}

/// The row of an attribute inside of a part that the model keeps as a Tree: only its shape is checked.
template <class Codec>
constexpr Attr shape(std::string_view key) {
  Attr row = detail::row_of<Codec>(key);
  row.decode = [](const In& in, void*) {
    typename Codec::Value value{};
    Codec::decode(in, value);
  };
  return row;
}

}  // namespace berth::compose
