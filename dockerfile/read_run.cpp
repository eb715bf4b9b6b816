#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "dockerfile/reading.h"

namespace berth::dockerfile {
namespace {

using Names = std::vector<std::string>;

/// Options by type of mount; aliases stand beside what they mean.
const std::map<std::string, Names>& options_of_types() {
  static const std::map<std::string, Names> kOptions = {
      {"bind", {"target", "dst", "destination", "source", "src", "from", "rw", "readwrite", "ro", "readonly"}},
      {"cache",
       {"id", "target", "dst", "destination", "source", "src", "from", "sharing", "mode", "uid", "gid", "ro",
        "readonly", "rw", "readwrite"}},
      {"tmpfs", {"target", "dst", "destination", "size"}},
      {"secret", {"id", "target", "dst", "destination", "env", "required", "mode", "uid", "gid"}},
      {"ssh", {"id", "target", "dst", "destination", "required", "mode", "uid", "gid"}},
  };
  return kOptions;
}

std::string hint_for(const std::string& word, const Names& names) {
  std::optional<std::string> near = nearest(word, names);
  return near ? fmt::format("did you mean \"{}\"?", *near) : "expected one of: " + join(names, ", ");
}

std::string canonical(const std::string& name) {
  if (name == "dst" || name == "destination") return "target";
  if (name == "src") return "source";
  if (name == "readonly") return "ro";
  if (name == "readwrite") return "rw";
  return name;
}

Mount read_mount(Reading& reading, const Text& value) {
  Mount mount;
  mount.type = "bind";
  mount.span = value.span;
  std::vector<std::string> fields = split(value.value, ',');
  for (const std::string& field : fields) {
    if (field.starts_with("type=")) mount.type = to_lower(std::string_view(field).substr(5));
  }
  auto known = options_of_types().find(mount.type);
  if (known == options_of_types().end()) {
    Names types;
    for (const auto& [name, unused] : options_of_types()) types.push_back(name);
    reading.error(value.span, fmt::format("--mount: no type \"{}\"", printable(mount.type)),
                  hint_for(mount.type, types));
    return mount;
  }
  for (const std::string& field : fields) {
    size_t equals = field.find('=');
    std::string name = to_lower(std::string_view(field).substr(0, equals));
    if (name == "type") continue;
    if (std::find(known->second.begin(), known->second.end(), name) == known->second.end()) {
      reading.error(value.span, fmt::format("--mount=type={}: no option \"{}\"", mount.type, printable(name)),
                    hint_for(name, known->second));
      continue;
    }
    std::string content = equals == std::string::npos ? "true" : field.substr(equals + 1);
    mount.options.push_back({{canonical(name), value.span}, {std::move(content), value.span}});
  }
  bool needs_target = mount.type == "bind" || mount.type == "cache" || mount.type == "tmpfs";
  if (needs_target && mount.option("target") == nullptr)
    reading.error(value.span, fmt::format("--mount=type={}: needs a target", mount.type), "add target=/PATH");
  return mount;
}

void check_word(Reading& reading, const std::optional<Text>& value, const char* flag, const Names& words) {
  if (!value || value->value.find('$') != std::string::npos) return;
  if (std::find(words.begin(), words.end(), value->value) != words.end()) return;
  reading.error(value->span,
                fmt::format("--{}={}: expected one of {}", flag, printable(value->value), join(words, ", ")),
                hint_for(value->value, words));
}

}  // namespace

const Text* Mount::option(std::string_view name) const {
  for (const auto& [key, value] : options) {
    if (key.value == name) return &value;
  }
  return nullptr;
}

Run read_run(Reading& reading) {
  Run run;
  for (const Text& value : reading.flags("mount")) run.mounts.push_back(read_mount(reading, value));
  run.network = reading.flag("network");
  check_word(reading, run.network, "network", {"default", "none", "host"});
  run.security = reading.flag("security");
  check_word(reading, run.security, "security", {"sandbox", "insecure"});
  reading.finish_flags();
  run.command = read_command(reading);
  if (run.command.words.empty() || run.command.words.front().empty())
    reading.error(reading.keyword_span(), "needs a command");
  return run;
}

}  // namespace berth::dockerfile
