#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/digest.h"

namespace berth::images {

/// Parses a document that must be an object. Error: `what`, and the position of the mistake.
[[nodiscard]] Result<nlohmann::json> parse_json_object(std::string_view text, const std::string& what);

/// The document as text; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string dump_json(const nlohmann::json& document);

/// Reads fields of one object and remembers the first that has the wrong type, so that a reader is a list of fields and
/// one check at its end. Absent and null leave the target as it is, since Go writes null for empty.
class FieldReader {
 public:
  FieldReader(const nlohmann::json& object, std::string where);

  void read(const char* key, std::string& target);
  void read(const char* key, std::vector<std::string>& target);
  void read(const char* key, std::map<std::string, std::string>& target);
  void read(const char* key, uint64_t& target);
  void read(const char* key, int64_t& target);
  void read(const char* key, bool& target);
  /// The keys of an object whose values mean nothing ({"5432/tcp": {}}).
  void read_set(const char* key, std::vector<std::string>& target);
  /// The member if it is an object; else nullptr.
  [[nodiscard]] const nlohmann::json* object(const char* key);
  [[nodiscard]] const nlohmann::json* array(const char* key);

  /// The first error.
  [[nodiscard]] Status status() const { return status_; }

 private:
  [[nodiscard]] const nlohmann::json* find(const char* key) const;
  void wrong(const char* key, const char* expected);

  const nlohmann::json& object_;
  std::string where_;
  Status status_;
};

}  // namespace berth::images
