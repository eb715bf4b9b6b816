#include "oci/node.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace berth::oci {
namespace {

/// A key as a part of a JSON pointer (RFC 6901).
std::string escaped(const std::string& key) {
  std::string text;
  for (char c : key) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return printable(text);
}

}  // namespace

Status Complaints::status(const std::string& document) const {
  if (errors.empty()) return {};
  return make_error(fmt::format("{}: {}", document, join(errors, "; ")));
}

Node::Node(const nlohmann::json* value, std::string place, Complaints* complaints)
    : value_(value != nullptr && value->is_null() ? nullptr : value),
      place_(std::move(place)),
      complaints_(complaints) {}

bool Node::empty() const {
  return !present() || ((value_->is_array() || value_->is_object()) && value_->empty()) ||
         (value_->is_string() && value_->get_ref<const std::string&>().empty());
}

Node Node::child(const nlohmann::json* value, const std::string& key) const {
  return {value, place_ + "/" + escaped(key), complaints_};
}

Node Node::operator[](const char* key) const {
  if (!present()) return child(nullptr, key);
  if (!value_->is_object()) {
    wrong("expected an object");
    return child(nullptr, key);
  }
  auto found = value_->find(key);
  return child(found == value_->end() ? nullptr : &*found, key);
}

std::vector<Node> Node::items() const {
  std::vector<Node> result;
  if (!present()) return result;
  if (!value_->is_array()) {
    wrong("expected a list");
    return result;
  }
  for (size_t i = 0; i < value_->size(); ++i) result.push_back(child(&(*value_)[i], std::to_string(i)));
  return result;
}

std::vector<std::pair<std::string, Node>> Node::entries() const {
  std::vector<std::pair<std::string, Node>> result;
  if (!present()) return result;
  if (!value_->is_object()) {
    wrong("expected an object");
    return result;
  }
  for (const auto& [key, value] : value_->items()) result.emplace_back(key, child(&value, key));
  return result;
}

std::string Node::text() const {
  if (!present()) return "";
  if (value_->is_string()) return value_->get<std::string>();
  wrong("expected a string");
  return "";
}

bool Node::flag(bool missing) const {
  if (!present()) return missing;
  if (value_->is_boolean()) return value_->get<bool>();
  wrong("expected true or false");
  return missing;
}

std::vector<std::string> Node::texts() const {
  std::vector<std::string> result;
  for (const Node& item : items()) result.push_back(item.text());
  return result;
}

std::map<std::string, std::string> Node::text_map() const {
  std::map<std::string, std::string> result;
  for (const auto& [key, value] : entries()) result[key] = value.text();
  return result;
}

std::optional<Node::Integer> Node::whole(bool negative_allowed) const {
  if (!present()) return std::nullopt;
  if (value_->is_number_unsigned()) return Integer{value_->get<uint64_t>(), false};
  if (value_->is_number_integer()) {
    auto number = value_->get<int64_t>();
    if (number >= 0 || negative_allowed) return Integer{static_cast<uint64_t>(number), number < 0};
    wrong("the number must not be negative");
    return std::nullopt;
  }
  wrong("expected a whole number");
  return std::nullopt;
}

void Node::wrong(const std::string& why) const {
  complaints_->errors.push_back(fmt::format("{}: {}", place_.empty() ? "/" : place_, why));
}

void Node::warn(const std::string& why) const {
  complaints_->warnings.push_back(fmt::format("{}: {}", place_.empty() ? "/" : place_, why));
}

void Node::refuse(const std::string& why) const {
  if (!empty()) wrong("not supported: " + why);
}

void Node::know(std::initializer_list<const char*> keys) const {
  for (const auto& [key, value] : entries()) {
    bool known = std::any_of(keys.begin(), keys.end(), [&](const char* one) { return key == one; });
    if (!known) value.warn("unknown, ignored");
  }
}

}  // namespace berth::oci
