#include "compose/tree.h"

#include <charconv>
#include <cmath>
#include <utility>

namespace berth::compose {

const Tree* Tree::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Tree* Tree::find(std::string_view key) {
  return const_cast<Tree*>(std::as_const(*this).find(key));
}

Tree& Tree::set(std::string_view key, Tree value) {
  if (kind == Kind::null) kind = Kind::map;
  if (Tree* old = find(key)) return *old = std::move(value);
  SourceSpan key_span = value.span;
  members.push_back({std::string(key), std::move(key_span), std::move(value)});
  return members.back().value;
}

void Tree::erase(std::string_view key) {
  std::erase_if(members, [&](const Member& member) { return member.key == key; });
}

namespace {
Tree make(Tree::Kind kind, std::string text, SourceSpan span) {
  Tree tree;
  tree.kind = kind;
  tree.text = std::move(text);
  tree.span = std::move(span);
  return tree;
}
}  // namespace

Tree Tree::null(SourceSpan span) {
  return make(Kind::null, {}, std::move(span));
}
Tree Tree::string(std::string text, SourceSpan span) {
  return make(Kind::string, std::move(text), std::move(span));
}
Tree Tree::boolean(bool value, SourceSpan span) {
  return make(Kind::boolean, value ? "true" : "false", std::move(span));
}
Tree Tree::integer(int64_t value, SourceSpan span) {
  return make(Kind::integer, std::to_string(value), std::move(span));
}
Tree Tree::real(double value, SourceSpan span) {
  return make(Kind::real, number_text(value), std::move(span));
}
Tree Tree::list(SourceSpan span) {
  return make(Kind::list, {}, std::move(span));
}
Tree Tree::map(SourceSpan span) {
  return make(Kind::map, {}, std::move(span));
}

namespace {

constexpr int kMaxEarlierValues = 50;  // in a row; more are of no use to anybody, and freeing them recurses

/// The row of `values` with `first` before its earliest.
std::shared_ptr<const Tree> with_first(const std::shared_ptr<const Tree>& values, std::shared_ptr<const Tree> first) {
  if (values == nullptr) return first;
  Tree copy = *values;
  copy.overrode = with_first(values->overrode, std::move(first));
  return std::make_shared<const Tree>(std::move(copy));
}

}  // namespace

void take_place(Tree& place, Tree later) {
  bool nothing = place.is_null() && !place.span.known();
  int count = later.earlier_values + place.earlier_values + 1;
  if (count > kMaxEarlierValues) {
    place.overrode = nullptr;
    count = later.earlier_values + 1;
  }
  if (!nothing && count <= kMaxEarlierValues) {
    later.overrode = with_first(later.overrode, std::make_shared<const Tree>(std::move(place)));
    later.earlier_values = static_cast<uint8_t>(count);
  }
  place = std::move(later);
}

namespace {

/// A tree's nodes name few files, so the new names are made once each.
class Restamp {
 public:
  Restamp(const std::string& how, const SourceSpan& at) : how_(how), at_(at) {}

  void apply(Tree& tree) {
    stamp(tree.span);
    for (Tree& item : tree.items) apply(item);
    for (Member& member : tree.members) {
      stamp(member.key_span);
      apply(member.value);
    }
  }

 private:
  void stamp(SourceSpan& span) {
    if (span.file == nullptr) return;
    std::shared_ptr<const SourceFile>& known = known_[span.file.get()];  // which keeps the old one alive
    if (known == nullptr) known = source_by_way_of(span.file, how_, at_);
    span.file = known;
  }

  const std::string& how_;
  const SourceSpan& at_;
  std::unordered_map<const SourceFile*, std::shared_ptr<const SourceFile>> known_;
};

}  // namespace

void came_by_way_of(Tree& tree, const std::string& how, const SourceSpan& at) {
  Restamp(how, at).apply(tree);
}

size_t count_nodes(const Tree& tree) {
  size_t count = 1;
  for (const Tree& item : tree.items) count += count_nodes(item);
  for (const Member& member : tree.members) count += count_nodes(member.value);
  return count;
}

KeyIndex::KeyIndex(const Tree& map) {
  for (const Member& member : map.members) add(member.key);
}

std::optional<size_t> KeyIndex::find(std::string_view key) const {
  auto found = places_.find(std::string(key));
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

bool Tree::same_value(const Tree& other) const {
  if (kind != other.kind || text != other.text) return false;
  if (items.size() != other.items.size() || members.size() != other.members.size()) return false;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].same_value(other.items[i])) return false;
  }
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].key != other.members[i].key || !members[i].value.same_value(other.members[i].value)) return false;
  }
  return true;
}

std::string_view kind_name(Tree::Kind kind) {
  switch (kind) {
    case Tree::Kind::null:
      return "nothing";
    case Tree::Kind::boolean:
      return "a boolean";
    case Tree::Kind::integer:
      return "an integer";
    case Tree::Kind::real:
      return "a number";
    case Tree::Kind::string:
      return "a string";
    case Tree::Kind::list:
      return "a list";
    case Tree::Kind::map:
      return "a map";
  }
  return "";
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[512];
  // Exponents from 21 up and below -6 in scientific form, as Go's JSON and YAML writers do.
  double size = std::fabs(value);
  bool scientific = size != 0 && (size < 1e-6 || size >= 1e21);
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value,
                                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  return {buffer, end};
}

}  // namespace berth::compose
