#include "runtime/user.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/text.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr size_t kMaxFile = 1 << 20;  // CVE-2026-47262: an image's /etc/group may be anything
constexpr size_t kMaxLine = 64 << 10;
constexpr int kMaxLinks = 8;
constexpr unsigned long long kMaxId = 0x7FFF'FFFF;  // beyond, ids wrap into negative numbers (CVE-2024-40635)

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<uint32_t> parse_id(std::string_view text, const char* what) {
  std::optional<unsigned long long> id = parse_unsigned(text);
  if (!id || *id > kMaxId) return make_error(fmt::format("{} {} is out of range 0..{}", what, printable(text), kMaxId));
  return static_cast<uint32_t>(*id);
}

/// Calls `visit` with the fields of each line until it returns true.
template <class Visit>
void for_lines(const std::string& text, size_t least_fields, Visit visit) {
  size_t start = 0;
  while (start < text.size()) {
    size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = std::string_view(text).substr(start, end - start);
    start = end + 1;
    if (line.size() > kMaxLine || line.empty() || line[0] == '#') continue;
    std::vector<std::string> fields = split(line, ':');
    if (fields.size() >= least_fields && visit(fields)) return;
  }
}

struct PasswdEntry {
  std::string name;
  uint32_t uid = 0, gid = 0;
  std::string home;
};

std::optional<PasswdEntry> find_passwd(const std::string& passwd, const std::string& name,
                                       std::optional<uint32_t> uid) {
  std::optional<PasswdEntry> found;
  for_lines(passwd, 6, [&](const std::vector<std::string>& f) {  // name:password:uid:gid:gecos:home:shell
    auto line_uid = parse_unsigned(f[2]);
    auto line_gid = parse_unsigned(f[3]);
    if (!line_uid || !line_gid || *line_uid > kMaxId || *line_gid > kMaxId) return false;
    if (uid ? *line_uid != *uid : f[0] != name) return false;
    found = PasswdEntry{f[0], static_cast<uint32_t>(*line_uid), static_cast<uint32_t>(*line_gid), f[5]};
    return true;
  });
  return found;
}

Result<uint32_t> find_group(const std::string& group, const std::string& name) {
  if (all_digits(name)) return parse_id(name, "group id");
  std::optional<uint32_t> gid;
  for_lines(group, 3, [&](const std::vector<std::string>& f) {  // name:password:gid:members
    auto line_gid = parse_unsigned(f[2]);
    if (f[0] != name || !line_gid || *line_gid > kMaxId) return false;
    gid = static_cast<uint32_t>(*line_gid);
    return true;
  });
  if (gid) return *gid;
  return make_error(fmt::format("no group \"{}\" in the image's /etc/group", printable(name)));
}

void add_memberships(const std::string& group, const std::string& name, std::vector<gid_t>& groups) {
  for_lines(group, 4, [&](const std::vector<std::string>& f) {
    auto gid = parse_unsigned(f[2]);
    if (!gid || *gid > kMaxId) return false;
    std::vector<std::string> members = split(f[3], ',');
    if (std::find(members.begin(), members.end(), name) != members.end()) groups.push_back(static_cast<gid_t>(*gid));
    return false;
  });
}

/// What one layer says about a path.
struct Found {
  enum Kind { absent, hidden, link, file } kind = absent;
  std::string text;  // of the file, or the link's target
};

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

/// True if the layer hides what deeper layers have at `path`: a whiteout or an opaque directory on the way.
bool hides(sys::FdRef root, const std::string& path) {
  for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    Result<sys::UniqueFd> dir = sys::open_in_root(root, path.substr(0, end), O_RDONLY | O_DIRECTORY);
    if (!dir) {
      if (dir.error().code == ENOENT) return false;
      return true;  // a whiteout, or a file where deeper layers have a directory
    }
    char value[2] = {};
    if (fgetxattr(dir->get(), "trusted.overlay.opaque", value, 1) == 1 && value[0] == 'y') return true;
  }
  return false;
}

Result<Found> look(const std::string& layer, const std::string& path) {
  Result<sys::UniqueFd> root = sys::open_file(layer, O_PATH | O_DIRECTORY);
  if (!root) return root.error().code == ENOENT ? Result<Found>(Found{}) : Result<Found>(std::move(root).error());
  Result<sys::UniqueFd> entry = sys::open_in_root(root->ref(), path, O_PATH | O_NOFOLLOW);
  if (!entry) {
    if (entry.error().code != ENOENT && entry.error().code != ENOTDIR && entry.error().code != ELOOP) {
      return std::move(entry).error();
    }
    return Found{hides(root->ref(), path) ? Found::hidden : Found::absent, ""};
  }
  struct stat info {};
  if (fstat(entry->get(), &info) != 0) return sys_error("stat " + path, errno);
  if (is_whiteout(info)) return Found{Found::hidden, ""};
  if (S_ISLNK(info.st_mode)) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(entry->get(), "", target, sizeof target);
    if (length < 0) return sys_error("readlink " + path, errno);
    return Found{Found::link, std::string(target, static_cast<size_t>(length))};
  }
  // A FIFO would block us, a device would never end (CVE-2024-9676).
  if (!S_ISREG(info.st_mode)) return make_error(fmt::format("/{} in the image is not a regular file", path));
  BERTH_TRY(sys::UniqueFd file, sys::open_in_root(root->ref(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  Result<std::string> text = sys::read_all(file.ref(), kMaxFile);
  if (!text) return std::move(text.error());
  return Found{Found::file, std::move(text).value()};
}

/// "etc/x" for a link in etc to "../etc/x" or "/etc/x": relative to the root, without dots.
std::string follow(const std::string& path, const std::string& target) {
  std::filesystem::path base = std::filesystem::path("/" + path).parent_path();
  std::string full = (base / target).lexically_normal().string();
  return full.substr(full.find_first_not_of('/') == std::string::npos ? full.size() : full.find_first_not_of('/'));
}

}  // namespace

Result<std::optional<std::string>> read_layered(const LayerStack& layers, const std::string& path) {
  std::string wanted = follow("", path);
  for (int links = 0; links < kMaxLinks; ++links) {
    Found found;
    for (const std::string& layer : layers) {
      BERTH_TRY(Found here, look(layer, wanted).context("read /{} of {}", wanted, layer));
      found = std::move(here);
      if (found.kind != Found::absent) break;
    }
    if (found.kind == Found::file) return std::optional(std::move(found.text));
    if (found.kind != Found::link) return std::optional<std::string>();
    wanted = follow(wanted, found.text);
  }
  return sys_error(fmt::format("read /{} of the image", path), ELOOP);
}

Result<ResolvedUser> resolve_user_in(const std::string& user, const std::vector<std::string>& group_add,
                                     const std::string& passwd, const std::string& group) {
  ResolvedUser result;
  size_t colon = user.find(':');
  std::string name = user.substr(0, colon);
  std::string group_name = colon == std::string::npos ? "" : user.substr(colon + 1);

  std::optional<PasswdEntry> entry;
  if (name.empty() || all_digits(name)) {
    // Digits are a number and nothing else, whatever names the image has (CVE-2016-3697, CVE-2026-30892).
    if (!name.empty()) {
      BERTH_TRY(uint32_t uid, parse_id(name, "user id"));
      result.uid = uid;
    }
    entry = find_passwd(passwd, "", result.uid);
  } else {
    entry = find_passwd(passwd, name, std::nullopt);
    if (!entry) return make_error(fmt::format("no user \"{}\" in the image's /etc/passwd", printable(name)));
    result.uid = entry->uid;
  }
  if (entry) {
    result.gid = entry->gid;
    if (entry->home.starts_with('/')) result.home = entry->home;
  }
  if (!group_name.empty()) {
    BERTH_TRY(uint32_t gid, find_group(group, group_name));
    result.gid = gid;
  } else if (entry) {
    add_memberships(group, entry->name, result.groups);
  }
  for (const std::string& extra : group_add) {
    BERTH_TRY(uint32_t gid, find_group(group, extra));
    result.groups.push_back(gid);
  }
  // Without the primary group in this list, permissions that deny that group would not apply (CVE-2022-36109).
  result.groups.push_back(result.gid);
  std::sort(result.groups.begin(), result.groups.end());
  result.groups.erase(std::unique(result.groups.begin(), result.groups.end()), result.groups.end());
  return result;
}

Result<ResolvedUser> resolve_user(const std::string& user, const std::vector<std::string>& group_add,
                                  const LayerStack& layers) {
  BERTH_TRY(std::optional<std::string> passwd, read_layered(layers, "etc/passwd"));
  BERTH_TRY(std::optional<std::string> group, read_layered(layers, "etc/group"));
  return resolve_user_in(user, group_add, passwd.value_or(""), group.value_or(""));
}

}  // namespace berth::runtime
