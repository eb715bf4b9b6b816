#include "supervise/networks_conf.h"

#include <cerrno>

#include "base/toml_reader.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

constexpr const char* kNetworksConf = "/etc/berth/networks.conf";

class Reader : public TomlReader {
 public:
  using TomlReader::TomlReader;

  Result<AddressPools> read(const toml::table& root) const {
    BERTH_TRY_OK(check_keys(root, {"address_pool"}));
    AddressPools pools;
    BERTH_TRY(const std::vector<const toml::table*> tables, tables_of(root, "address_pool"));
    for (const toml::table* table : tables) {
      BERTH_TRY(const netns::Pool pool, pool_of(*table));
      (pool.base.base.v6 ? pools.ipv6 : pools.ipv4).push_back(pool);
    }
    return pools;
  }

 private:
  Result<netns::Pool> pool_of(const toml::table& table) const {
    BERTH_TRY_OK(check_keys(table, {"base", "size"}));
    const toml::node* base = table.get("base");
    const auto block = netns::Subnet::parse(base != nullptr && base->is_string() ? base->as_string()->get() : "");
    if (!block) {
      return make_error(fmt::format("{}: base: expected a block of addresses such as \"10.64.0.0/10\"",
                                    place(base != nullptr ? base->source() : table.source())));
    }
    netns::Pool pool{*block, block->base.v6 ? 64 : 24};
    if (const toml::node* size = table.get("size"); size != nullptr) {
      const int longest = block->base.width() - 2;
      const int64_t bits = size->is_integer() ? size->as_integer()->get() : 0;
      if (bits < block->prefix || bits > longest || bits < 1) {
        return make_error(fmt::format("{}: size: expected the length of a network's prefix, {} to {}",
                                      place(size->source()), std::max(block->prefix, 1), longest));
      }
      pool.size = static_cast<int>(bits);
    }
    if (pool.size < block->prefix) {
      return make_error(
          fmt::format("{}: {} is smaller than a network of /{}", place(base->source()), block->str(), pool.size),
          "write its size");
    }
    return pool;
  }
};

}  // namespace

Result<AddressPools> parse_address_pools(std::string_view text, const std::string& name, const std::string& seed) {
  const Reader reader(name);
  BERTH_TRY(const toml::table root, reader.parse(text));
  BERTH_TRY(AddressPools pools, reader.read(root));
  if (pools.ipv4.empty()) pools.ipv4 = netns::default_pools();
  if (pools.ipv6.empty()) pools.ipv6 = {netns::unique_local_pool(seed)};
  return pools;
}

Result<AddressPools> load_address_pools(const std::string& seed) {
  const std::string named = sys::environment_variable("BERTH_NETWORKS_CONF");
  const std::string path = named.empty() ? kNetworksConf : named;
  auto text = sys::read_file(path, 1 << 20);
  const bool absent = !text && text.error().code == ENOENT && path == kNetworksConf;
  if (!text && !absent) return std::move(text).error();
  return parse_address_pools(absent ? "" : *text, path, seed);
}

}  // namespace berth::supervise
