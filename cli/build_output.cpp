#include "cli/build_output.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::cli {
namespace {

const std::vector<std::string> kTypes = {"cacheonly", "docker", "image", "local", "oci", "registry", "tar"};
const std::vector<std::string> kKeys = {"dest", "name", "push", "tar", "type"};

Error unknown(const std::string& text, const char* what, const std::string& word,
              const std::vector<std::string>& known) {
  std::optional<std::string> near = nearest(word, known);
  return make_error(fmt::format("--output {}: unknown {} \"{}\"", printable(text), what, printable(word)),
                    near ? fmt::format("did you mean {}?", *near) : "expected one of " + join(known, ", "));
}

Result<bool> flag_of(const std::string& text, const std::string& value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return make_error(fmt::format("--output {}: expected true or false, not \"{}\"", printable(text), printable(value)));
}

Status take(const std::string& text, const std::string& key, const std::string& value, BuildOutput& output) {
  if (key == "type") {
    output.type = value;
  } else if (key == "dest") {
    output.dest = value;
  } else if (key == "name") {
    output.names.push_back(value);
  } else if (key == "push") {
    BERTH_TRY(output.push, flag_of(text, value));
  } else if (key == "tar") {
    BERTH_TRY(output.packed, flag_of(text, value));
  } else {
    return unknown(text, "key", key, kKeys);
  }
  return {};
}

Status check(const std::string& text, BuildOutput& output) {
  bool known = std::find(kTypes.begin(), kTypes.end(), output.type) != kTypes.end();
  if (!known) return unknown(text, "type", output.type, kTypes);
  bool to_file = output.type == "tar" || output.type == "oci";
  if (output.dest.empty() && to_file) output.dest = "-";
  bool needs_directory = output.type == "local" || !output.packed;
  if (needs_directory && (output.dest.empty() || output.dest == "-"))
    return make_error(fmt::format("--output {}: needs dest=DIRECTORY", printable(text)));
  if (output.type == "registry") output.push = true;
  return {};
}

}  // namespace

Result<BuildOutput> parse_build_output(const std::string& text) {
  BuildOutput output;
  if (text.find_first_of(",=") == std::string::npos) {
    if (text.empty()) return make_error("--output: expected type=TYPE,dest=PATH, a directory, or -");
    output.type = text == "-" ? "tar" : "local";
    output.dest = text;
    return output;
  }
  for (const std::string& field : split(text, ',')) {
    size_t equals = field.find('=');
    if (equals == std::string::npos)
      return make_error(fmt::format("--output {}: \"{}\" has no value", printable(text), printable(field)));
    BERTH_TRY_OK(take(text, field.substr(0, equals), field.substr(equals + 1), output));
  }
  BERTH_TRY_OK(check(text, output));
  return output;
}

}  // namespace berth::cli
