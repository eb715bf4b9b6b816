#include "registry/settings.h"

#include <cerrno>
#include <cstdlib>

#include "registry/logins.h"
#include "registry/registries_conf.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

constexpr const char* kRegistriesConf = "/etc/berth/registries.conf";

Result<RegistriesConf> load_registries_conf() {
  const char* named = getenv("BERTH_REGISTRIES_CONF");
  bool is_named = named != nullptr && *named != '\0';
  std::string path = is_named ? named : kRegistriesConf;
  Result<std::string> text = sys::read_file(path, 16 << 20);
  if (!text && text.error().code == ENOENT && !is_named) return RegistriesConf();
  if (!text) return std::move(text).error();
  return RegistriesConf::parse(*text, path);
}

}  // namespace

Result<Settings> load_settings() {
  BERTH_TRY(RegistriesConf conf, load_registries_conf());
  Logins logins = Logins::of_user();
  BERTH_TRY_OK(logins.config());  // a damaged file is better found now than taken for no login
  Settings settings;
  settings.endpoints = [conf](const std::string& repository) { return conf.endpoints(repository); };
  settings.credentials = [logins](const std::string& host) { return logins.find(host); };
  return settings;
}

}  // namespace berth::registry
