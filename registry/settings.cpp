#include "registry/settings.h"

#include <cerrno>
#include <cstdlib>

#include "registry/logins.h"
#include "registry/registries_conf.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

constexpr const char* kRegistriesConf = "/etc/berth/registries.conf";

Result<RegistriesConf> load_registries_conf(const std::string& path, bool must_exist) {
  Result<std::string> text = sys::read_file(path, 16 << 20);
  if (!text && text.error().code == ENOENT && !must_exist) return RegistriesConf();
  if (!text) return std::move(text).error();
  return RegistriesConf::parse(*text, path);
}

/// The directory of a file.
std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

Result<Settings> load_settings() {
  std::string named = sys::environment_variable("BERTH_REGISTRIES_CONF");
  std::string path = named.empty() ? kRegistriesConf : named;
  BERTH_TRY(RegistriesConf conf, load_registries_conf(path, !named.empty()));
  Logins logins = Logins::of_user();
  BERTH_TRY_OK(logins.config());  // a damaged file is better found now than taken for no login
  Settings settings;
  settings.endpoints = [conf](const std::string& repository) { return conf.endpoints(repository); };
  settings.credentials = [logins](const std::string& host) { return logins.find(host); };
  settings.certificate_directories = {parent_of(path) + "/certs.d", "/etc/docker/certs.d"};
  return settings;
}

}  // namespace berth::registry
