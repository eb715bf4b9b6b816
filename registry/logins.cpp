#include "registry/logins.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "registry/credential_helper.h"
#include "registry/hub.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

std::string home() {
  if (std::string value = sys::environment_variable("HOME"); !value.empty()) return value;
  const passwd* user = getpwuid(getuid());
  return user == nullptr ? "/" : user->pw_dir;
}

/// Where a symbolic link leads, so that the file is replaced and not the link.
std::string real_path(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string copy = resolved;
  free(resolved);
  return copy;
}

}  // namespace

Logins Logins::of_user() {
  std::string directory = sys::environment_variable("DOCKER_CONFIG");
  return Logins((directory.empty() ? home() + "/.docker" : directory) + "/config.json");
}

Result<DockerConfig> Logins::config() const {
  Result<std::string> text = sys::read_file(path_, 16 << 20);
  if (!text && text.error().code != ENOENT) return std::move(text).error();
  return DockerConfig::parse(text ? *text : "", path_);
}

Result<std::optional<Credentials>> Logins::find(const std::string& host) const {
  BERTH_TRY(DockerConfig current, config());
  std::string helper = current.helper(host);
  if (helper.empty()) return current.login(host);
  return CredentialHelper(helper).get(login_key(host));
}

Result<bool> Logins::store(const std::string& host, const Credentials& credentials) const {
  BERTH_TRY(DockerConfig current, config());
  std::string helper = current.helper(host);
  if (!helper.empty()) BERTH_TRY_OK(CredentialHelper(helper).store(login_key(host), credentials));
  current.set(host, helper.empty() ? credentials : Credentials{});
  BERTH_TRY_OK(write(current));
  return helper.empty();
}

Result<bool> Logins::erase(const std::string& host) const {
  BERTH_TRY(DockerConfig current, config());
  bool there = current.mentions(host);
  if (std::string helper = current.helper(host); !helper.empty()) {
    BERTH_TRY_OK(CredentialHelper(helper).erase(login_key(host)));
  }
  if (!there) return false;
  current.erase(host);
  BERTH_TRY_OK(write(current));
  return true;
}

Status Logins::write(const DockerConfig& config) const {
  std::string path = real_path(path_);
  struct stat before {};
  bool existed = stat(path.c_str(), &before) == 0;
  if (!existed) BERTH_TRY_OK(sys::make_dirs(path.substr(0, path.rfind('/')), 0700));
  mode_t mode = existed ? before.st_mode & 07777 : 0600;
  BERTH_TRY_OK(sys::write_file_atomic(path, config.text(), sys::Durability::disk, mode));
  bool other_owner = existed && (before.st_uid != geteuid() || before.st_gid != getegid());
  if (other_owner && chown(path.c_str(), before.st_uid, before.st_gid) != 0) return sys_error("chown " + path, errno);
  return {};
}

}  // namespace berth::registry
