#include "registry/registries_conf.h"

#include "base/toml_reader.h"
#include "registry/hub.h"
#include "registry/url.h"

namespace berth::registry {

class RegistriesConfReader : public TomlReader {
 public:
  using TomlReader::TomlReader;

  Result<RegistriesConf> read(const toml::table& root) {
    BERTH_TRY_OK(check_keys(root, {"registry"}));
    RegistriesConf conf;
    BERTH_TRY(std::vector<const toml::table*> tables, tables_of(root, "registry"));
    for (const toml::table* table : tables) {
      BERTH_TRY(RegistriesConf::Registry registry, registry_of(*table));
      conf.registries_.push_back(std::move(registry));
    }
    return conf;
  }

 private:
  Result<RegistriesConf::Registry> registry_of(const toml::table& table) {
    BERTH_TRY_OK(check_keys(table, {"prefix", "location", "insecure", "blocked", "mirror"}));
    RegistriesConf::Registry registry;
    registry.place = place(table.source());
    BERTH_TRY(registry.prefix, location_of(table, "prefix"));
    BERTH_TRY(registry.location, location_of(table, "location"));
    BERTH_TRY(registry.insecure, flag_of(table, "insecure"));
    BERTH_TRY(registry.blocked, flag_of(table, "blocked"));
    if (registry.prefix.empty()) registry.prefix = registry.location;
    if (registry.location.empty()) registry.location = registry.prefix;
    if (registry.prefix.empty()) return make_error(registry.place + ": expected prefix or location");
    BERTH_TRY(std::vector<const toml::table*> mirrors, tables_of(table, "mirror"));
    for (const toml::table* mirror : mirrors) {
      BERTH_TRY_OK(check_keys(*mirror, {"location", "insecure"}));
      BERTH_TRY(std::string location, location_of(*mirror, "location"));
      BERTH_TRY(bool insecure, flag_of(*mirror, "insecure"));
      if (location.empty()) return make_error(place(mirror->source()) + ": expected the mirror's location");
      registry.mirrors.push_back({std::move(location), insecure});
    }
    return registry;
  }

  Result<bool> flag_of(const toml::table& table, const char* key) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return false;
    if (!node->is_boolean())
      return make_error(fmt::format("{}: {}: expected true or false", place(node->source()), key));
    return node->as_boolean()->get();
  }

  /// "host[:port][/path]"; empty if the key is missing.
  Result<std::string> location_of(const toml::table& table, const char* key) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return std::string();
    std::string text = node->is_string() ? node->as_string()->get() : "";
    while (text.ends_with('/')) text.pop_back();
    std::string host = text.substr(0, text.find('/'));
    bool usable =
        !host.empty() && parse_url("https://" + text).ok() && text.find_first_of("*?#@ ") == std::string::npos;
    if (usable && text.find("://") == std::string::npos) return text;
    return make_error(
        fmt::format("{}: {}: expected host[:port][/path] without a scheme and without \"*\", such as \"{}\"",
                    place(node->source()), key, "registry.example.com:5000/mirror"));
  }
};

namespace {

bool covers(const std::string& prefix, const std::string& repository) {
  return repository.starts_with(prefix) && (repository.size() == prefix.size() || repository[prefix.size()] == '/');
}

/// A repository, or only a domain, as the place where it is asked for.
Endpoint endpoint_at(const std::string& repository, bool insecure, bool mirror) {
  size_t slash = repository.find('/');
  Endpoint endpoint;
  endpoint.host = repository.substr(0, slash);
  if (slash != std::string::npos) endpoint.path = repository.substr(slash + 1);
  endpoint.insecure = insecure || is_loopback(endpoint.host);
  endpoint.mirror = mirror;
  if (is_hub(endpoint.host)) endpoint.host = kHubHost;
  return endpoint;
}

}  // namespace

Result<RegistriesConf> RegistriesConf::parse(std::string_view text, const std::string& name) {
  RegistriesConfReader reader(name);
  BERTH_TRY(const toml::table root, reader.parse(text));
  return reader.read(root);
}

Result<std::vector<Endpoint>> RegistriesConf::endpoints(const std::string& repository) const {
  const Registry* best = nullptr;
  for (const Registry& registry : registries_) {
    bool longer = best == nullptr || registry.prefix.size() > best->prefix.size();
    if (covers(registry.prefix, repository) && longer) best = &registry;
  }
  if (best == nullptr) return std::vector{endpoint_at(repository, false, false)};
  if (best->blocked) return make_error(fmt::format("{}: blocked by {}", repository, best->place));
  std::string rest = repository.substr(best->prefix.size());
  std::vector<Endpoint> endpoints;
  for (const Mirror& mirror : best->mirrors)
    endpoints.push_back(endpoint_at(mirror.location + rest, mirror.insecure, true));
  endpoints.push_back(endpoint_at(best->location + rest, best->insecure, false));
  return endpoints;
}

}  // namespace berth::registry
