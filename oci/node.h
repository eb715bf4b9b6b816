#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"

namespace berth::oci {

/// What is wrong with a document: errors stop, warnings are logged. Each begins with a JSON pointer.
struct Complaints {
  std::vector<std::string> errors, warnings;

  /// All errors as one, or Ok. `document` names the file.
  [[nodiscard]] Status status(const std::string& document) const;
};

/// A value of a JSON document and its place. Reading never stops: what is missing reads as nothing, what has the wrong
/// type too, with a complaint that names the place ("/process/user/uid: expected a number").
class Node {
 public:
  /// `value` and `complaints` must outlive it and all nodes that come from it.
  Node(const nlohmann::json& value, Complaints& complaints) : Node(&value, "", &complaints) {}

  /// False where it is missing or null.
  [[nodiscard]] bool present() const { return value_ != nullptr; }
  [[nodiscard]] bool empty() const;
  [[nodiscard]] const std::string& place() const { return place_; }
  [[nodiscard]] const nlohmann::json& json() const { return *value_; }

  [[nodiscard]] Node operator[](const char* key) const;
  [[nodiscard]] std::vector<Node> items() const;
  [[nodiscard]] std::vector<std::pair<std::string, Node>> entries() const;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool flag(bool missing = false) const;
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] std::map<std::string, std::string> text_map() const;

  /// A whole number that T can hold.
  template <class T>
  [[nodiscard]] std::optional<T> maybe() const {
    std::optional<Integer> integer = whole(std::numeric_limits<T>::min() < 0);
    if (!integer) return std::nullopt;
    bool fits = integer->negative
                    ? static_cast<int64_t>(integer->bits) >= static_cast<int64_t>(std::numeric_limits<T>::min())
                    : integer->bits <= static_cast<uint64_t>(std::numeric_limits<T>::max());
    if (fits) return static_cast<T>(integer->bits);
    wrong("the number is out of range");
    return std::nullopt;
  }
  template <class T>
  [[nodiscard]] T number() const {
    return maybe<T>().value_or(0);
  }

  /// Complains about this place.
  void wrong(const std::string& why) const;
  void warn(const std::string& why) const;
  /// Something of the specification that berth does not do: an error where it is there (and not empty).
  void refuse(const std::string& why) const;
  /// Warns about keys that are none of these. The specification asks to leave them alone.
  void know(std::initializer_list<const char*> keys) const;

 private:
  struct Integer {
    uint64_t bits;
    bool negative;
  };
  Node(const nlohmann::json* value, std::string place, Complaints* complaints);
  [[nodiscard]] std::optional<Integer> whole(bool negative_allowed) const;
  [[nodiscard]] Node child(const nlohmann::json* value, const std::string& key) const;

  const nlohmann::json* value_;
  std::string place_;
  Complaints* complaints_;
};

}  // namespace berth::oci
