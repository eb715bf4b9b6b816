#include "compose/volume.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace berth::compose {
namespace {

constexpr std::array<std::string_view, 6> kPropagation = {"private", "rprivate", "rshared",
                                                          "rslave",  "shared",   "slave"};
constexpr std::array<std::string_view, 3> kConsistency = {"cached", "consistent", "delegated"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_host_path(std::string_view source) {
  return !source.empty() && (source.front() == '.' || source.front() == '/' || source.front() == '~');
}

void apply_option(Mount& mount, const std::string& option, std::vector<std::string>& unknown) {
  bool bind = mount.type == Mount::Type::bind;
  if (option == "ro") {
    mount.read_only = true;
  } else if (option == "rw") {
    mount.read_only.reset();
  } else if (option == "nocopy" && !bind) {
    mount.volume->nocopy = true;
  } else if ((option == "z" || option == "Z") && bind) {
    mount.bind->selinux = option;
  } else if (contains(kPropagation, option) && bind) {
    mount.bind->propagation = option;
  } else if (contains(kConsistency, option)) {
    mount.consistency = option;
  } else if (option != "z" && option != "Z") {  // labels of a volume are its owner's business
    unknown.push_back(option);
  }
}

}  // namespace

std::string clean_path(std::string_view path) {
  bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!rooted) {
      parts.push_back(part);
    }
  }
  std::string clean = rooted ? "/" : "";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) clean += '/';
    clean += parts[i];
  }
  return clean.empty() ? "." : clean;
}

Result<Mount> parse_mount(std::string_view text, std::vector<std::string>& unknown_options) {
  std::vector<std::string> fields = split(text, ':');
  if (text.empty()) return make_error("an empty volume");
  if (std::find(fields.begin(), fields.end(), "") != fields.end()) return make_error("an empty field between colons");
  if (fields.size() > 3) return make_error("too many colons", "[source:]target[:options]");

  Mount mount;
  if (fields.size() == 1) {
    mount.target = clean_path(fields[0]);
  } else {
    mount.source = fields[0];
    mount.target = clean_path(fields[1]);
    if (is_host_path(mount.source)) mount.type = Mount::Type::bind;
  }
  if (mount.type == Mount::Type::bind) {
    mount.bind.emplace().create_host_path = true;
  } else {
    mount.volume.emplace();
  }
  if (!mount.target.starts_with('/')) {
    return make_error(fmt::format("the target \"{}\" is not an absolute path", fields[fields.size() == 1 ? 0 : 1]));
  }
  if (fields.size() == 3) {
    for (const std::string& option : split(fields[2], ',')) apply_option(mount, option, unknown_options);
  }
  return mount;
}

}  // namespace berth::compose
