#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "engine/joins.h"
#include "engine/record.h"
#include "engine/run_spec.h"
#include "netns/resolv_conf.h"
#include "sys/file.h"
#include "volumes/config_file.h"

namespace berth::engine {
namespace {

/// Rewritten in place where it exists: a file that is bound into a container keeps its inode.
berth::Status write_in_place(const std::string& path, const std::string& text) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
  if (fchmod(fd.get(), 0644) != 0) return sys_error("chmod " + path, errno);
  return sys::write_all(fd.ref(), text).context("{}", path);
}

/// The names that the container has at its addresses there.
std::string own_lines(const ContainerRecord& record, const EndpointState& endpoint) {
  const std::string& domain = record.config.domainname;
  std::string names = hostname_of(record);
  if (!domain.empty()) names = names + "." + domain + " " + names;
  std::string lines;
  for (const std::string& address : {endpoint.address, endpoint.ipv6_address}) {
    if (!address.empty()) lines += fmt::format("{}\t{}\n", address, names);
  }
  return lines;
}

std::string hosts(const ContainerRecord& record, const LiveState& live, const std::string& gateway) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "ff00::0\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  for (const std::string& entry : record.config.extra_hosts) {
    size_t equals = entry.find('=');
    std::string address = entry.substr(equals + 1);
    text += fmt::format("{}\t{}\n", address == "host-gateway" ? gateway : address, entry.substr(0, equals));
  }
  for (const EndpointState& endpoint : live.endpoints) text += own_lines(record, endpoint);
  return text;
}

std::string resolv_conf(const ContainerRecord& record) {
  std::string host_text = sys::read_file("/etc/resolv.conf", 1 << 20).value_or("");
  const ContainerConfig& config = record.config;
  if (config.attachments.empty() && config.dns.empty())
    return host_text;  // network_mode host and none: as the host has it
  netns::ResolvConf host = netns::parse_resolv_conf(host_text);
  std::vector<std::string> search = config.dns_search.empty() ? host.search : config.dns_search;
  if (search == std::vector<std::string>{"."}) search.clear();
  if (config.attachments.empty()) {
    std::string text;
    for (const std::string& server : config.dns) text += "nameserver " + server + "\n";
    return search.empty() ? text : text + "search " + join(search, " ") + "\n";
  }
  return netns::render_container_resolv_conf(search, config.dns_options.empty() ? host.options : config.dns_options);
}

berth::Status describe_network(const ContainerRecord& record, const LiveState& live, const std::string& dir,
                               const std::string& gateway) {
  if (record.config.network_mode == "host") {
    BERTH_TRY_OK(
        write_in_place(dir + "/hosts", sys::read_file("/etc/hosts", 1 << 20).value_or("127.0.0.1\tlocalhost\n")));
  } else {
    BERTH_TRY_OK(write_in_place(dir + "/hosts", hosts(record, live, gateway)));
  }
  BERTH_TRY_OK(write_in_place(dir + "/hostname", hostname_of(record) + "\n"));
  return write_in_place(dir + "/resolv.conf", resolv_conf(record));
}

}  // namespace

berth::Status prepare_files(const ContainerRecord& record, const LiveState& live, const sys::Paths& paths,
                            const std::string& gateway) {
  std::string dir = paths.container(record.id);
  BERTH_TRY_OK(sys::make_dirs(dir + "/upper", 0755));
  BERTH_TRY_OK(sys::make_dirs(dir + "/work", 0700));
  // Who joins another's network is shown the files of that one.
  if (joined_id(record.config.network_mode).empty()) BERTH_TRY_OK(describe_network(record, live, dir, gateway));
  size_t index = 0;
  for (const FileMount& file : record.config.files) {
    std::string name = std::to_string(index++);
    if (!file.content) continue;
    volumes::ConfigFile config{name, *file.content, file.uid, file.gid, file.mode};
    Result<std::string> path = volumes::write_config_file(dir + "/files", config);
    if (!path) return std::move(path).error();
  }
  return {};
}

berth::Status update_network_files(const ContainerRecord& record, const std::vector<EndpointState>& before,
                                   const LiveState& live, const sys::Paths& paths) {
  const std::string path = paths.container(record.id) + "/hosts";
  BERTH_TRY(std::string text, sys::read_file(path, 1 << 20));
  for (const EndpointState& endpoint : before) {
    const std::string lines = own_lines(record, endpoint);
    if (size_t at = lines.empty() ? std::string::npos : text.find(lines); at != std::string::npos)
      text.erase(at, lines.size());
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  for (const EndpointState& endpoint : live.endpoints) text += own_lines(record, endpoint);
  BERTH_TRY_OK(write_in_place(path, text));
  if (!before.empty() || live.endpoints.empty()) return {};
  return write_in_place(paths.container(record.id) + "/resolv.conf", resolv_conf(record));
}

}  // namespace berth::engine
