#include "images/json_fields.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace berth::images {

using nlohmann::json;

Result<json> parse_json_object(std::string_view text, const std::string& what) {
  // Image documents are a few levels deep; the bound keeps a hostile one from exhausting the stack of whoever walks it.
  constexpr int kMaxDepth = 64;
  bool too_deep = false;
  auto watch = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    json document = json::parse(text.begin(), text.end(), watch);
    if (too_deep) return make_error(what + ": nested too deeply");
    if (!document.is_object()) return make_error(what + ": expected a JSON object");
    return document;
  } catch (const json::exception& e) {
    return make_error(fmt::format("{}: not valid JSON: {}", what, e.what()));
  }
}

std::string dump_json(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

FieldReader::FieldReader(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

const json* FieldReader::find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void FieldReader::wrong(const char* key, const char* expected) {
  if (status_) status_ = make_error(fmt::format("{}: field \"{}\": expected {}", where_, key, expected));
}

void FieldReader::read(const char* key, std::string& target) {
  const json* value = find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return wrong(key, "a string");
  target = value->get<std::string>();
}

void FieldReader::read(const char* key, std::vector<std::string>& target) {
  const json* value = array(key);
  if (value == nullptr) return;
  for (const json& item : *value) {
    if (!item.is_string()) return wrong(key, "a list of strings");
    target.push_back(item.get<std::string>());
  }
}

void FieldReader::read(const char* key, std::map<std::string, std::string>& target) {
  const json* value = object(key);
  if (value == nullptr) return;
  for (const auto& [name, item] : value->items()) {
    if (!item.is_string()) return wrong(key, "strings as values");
    target.emplace(name, item.get<std::string>());
  }
}

void FieldReader::read(const char* key, uint64_t& target) {
  const json* value = find(key);
  if (value == nullptr) return;
  if (!value->is_number_unsigned()) return wrong(key, "a whole number, 0 or more");
  target = value->get<uint64_t>();
}

void FieldReader::read(const char* key, int64_t& target) {
  const json* value = find(key);
  if (value == nullptr) return;
  bool fits = value->is_number_integer() && (!value->is_number_unsigned() || value->get<uint64_t>() <= INT64_MAX);
  if (!fits) return wrong(key, "a whole number");
  target = value->get<int64_t>();
}

void FieldReader::read(const char* key, bool& target) {
  const json* value = find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return wrong(key, "true or false");
  target = value->get<bool>();
}

void FieldReader::read_set(const char* key, std::vector<std::string>& target) {
  const json* value = object(key);
  if (value == nullptr) return;
  for (const auto& item : value->items()) target.push_back(item.key());
}

const json* FieldReader::object(const char* key) {
  const json* value = find(key);
  if (value != nullptr && !value->is_object()) wrong(key, "an object");
  return value != nullptr && value->is_object() ? value : nullptr;
}

const json* FieldReader::array(const char* key) {
  const json* value = find(key);
  if (value != nullptr && !value->is_array()) wrong(key, "a list");
  return value != nullptr && value->is_array() ? value : nullptr;
}

}  // namespace berth::images
