#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/state.h"
#include "netns/dns_server.h"
#include "netns/firewall.h"
#include "netns/spec.h"
#include "supervise/address_book.h"
#include "supervise/firewall_guard.h"
#include "supervise/keeper_link.h"
#include "supervise/published_ports.h"
#include "supervise/task.h"

namespace berth::supervise {

/// Networks of all projects and what containers have on them: bridges, addresses, names, published ports. The one place
/// where netns/ meets the state files and the keeper.
///
/// A container's namespace is made before the container; the kernel frees it, with its end of the links, when the
/// container's last process has gone and release() has closed the DNS sockets in it.
class Networks {
 public:
  Networks(asio::io_context& io, asio::thread_pool& pool, const engine::StateStore& store, KeeperLink& keeper);

  /// Takes over what an earlier supervisor left: records from the files, firewall and bridges made anew where they are
  /// missing.
  [[nodiscard]] Status adopt_networks(const std::vector<engine::NetworkRecord>& records);
  /// Sockets of a live container: as the keeper kept them, or (keeper lost as well) opened again in its namespace.
  [[nodiscard]] Status adopt_container(const engine::ContainerRecord& record, engine::LiveState& live);

  [[nodiscard]] Status create(const engine::NetworkConfig& config, const std::string& project);
  /// Error: a container is on it.
  Task<void> remove(std::string name);
  /// What users of the networks made since the last call have to know, each once.
  [[nodiscard]] std::vector<std::string> take_warnings();
  [[nodiscard]] size_t count() const { return networks_.size(); }

  /// Names that are the project's even while nothing answers to them.
  void declare(const std::string& project, const std::vector<std::string>& services);
  void declare(const engine::ContainerRecord& record);
  /// The container answers to the names of its record as they are now.
  void answer_to(const engine::ContainerRecord& record, const engine::LiveState& live);
  /// Published ports and names of `from` lead to `to`, which both run. Where a port cannot be taken
  /// everything stays as it was.
  Task<void> hand_over(const engine::ContainerRecord& from, engine::LiveState& from_live,
                       const engine::ContainerRecord& to, engine::LiveState& to_live);
  void undeclare(const std::string& project);

  /// Takes the published ports of a container on the host and notes them in live.ports. All or none. Ok if it has them.
  /// Where all its networks are internal, none: nothing leads there.
  Task<void> reserve_ports(const engine::ContainerRecord& record, engine::LiveState& live);

  /// Makes the container's network namespace with its endpoints, registers its names, starts its DNS. Fills
  /// live.endpoints. An invalid handle means the host's own namespace (network_mode: host). `kept`: there are files of
  /// the container, and the endpoints go on record first.
  Task<sys::Netns> connect(const engine::ContainerRecord& record, engine::LiveState& live, bool kept = true);

  /// Brings a running container's interfaces, routes, names and ports in line with its record, after that has changed
  /// or a supervisor died over it: what is there and stays is left alone. What is to come is on record before it
  /// exists. If the container ends meanwhile, that is no error.
  Task<void> reconnect(const engine::ContainerRecord& record, engine::LiveState& live);
  /// True if reconnect() has something to do.
  [[nodiscard]] static bool unfinished(const engine::ContainerRecord& record, const engine::LiveState& live);

  /// The default bridge goes when nothing is on it any more.
  void drop_default_bridge();

  /// Opens the published ports to the container. Requires: reserve_ports() and connect().
  [[nodiscard]] Status publish(const engine::ContainerRecord& record, const engine::LiveState& live) {
    return ports_.publish(record.id, live);
  }

  /// Takes names, rules, sockets and addresses back; `keep_ports` leaves the host ports reserved for the next start.
  void release(const engine::ContainerRecord& record, engine::LiveState& live, bool keep_ports);

  /// Waits (at most some seconds) until the kernel has freed the links of released containers; what is left then is
  /// deleted.
  Work settle();

  /// Address of the host as containers of this record's first network see it, for `host-gateway`.
  [[nodiscard]] std::string gateway_of(const engine::ContainerRecord& record) const;

 private:
  struct Network {
    engine::NetworkRecord record;
    netns::NetworkSpec spec;
    AddressBook addresses;
    bool leaving = false;  // its bridge is being removed
  };
  /// Until nobody can see it any more. What the kernel has to do after that (two rcu_barrier(), some ten milliseconds
  /// each) it does on its own.
  Task<void> remove_bridge(std::string bridge);
  [[nodiscard]] Status create(engine::NetworkRecord record);
  [[nodiscard]] Status make(const netns::NetworkSpec& spec);
  [[nodiscard]] Status unmake(const netns::NetworkSpec& spec, bool keep_interface);
  [[nodiscard]] Status remove_rules(const netns::NetworkSpec& spec);
  void know(engine::NetworkRecord record, netns::NetworkSpec spec);
  [[nodiscard]] Result<Network*> find(const std::string& name);
  [[nodiscard]] Status make_default_bridge();
  /// Fills live.endpoints. `running`: those that are there keep their interfaces.
  [[nodiscard]] Result<std::vector<netns::EndpointSpec>> plan_endpoints(const engine::ContainerRecord& record,
                                                                        engine::LiveState& live, bool running);
  [[nodiscard]] Result<std::vector<std::string>> name_interfaces(
      const std::vector<engine::AttachmentConfig>& attachments, const std::vector<engine::EndpointState>& there) const;
  [[nodiscard]] static netns::EndpointSpec endpoint_of(const engine::ContainerRecord& record, const Network& network,
                                                       const engine::AttachmentConfig& attachment,
                                                       const std::string& interface);
  void choose_way_out(const std::vector<engine::AttachmentConfig>& attachments,
                      std::vector<netns::EndpointSpec>& endpoints) const;
  void forget(const engine::ContainerRecord& record, const engine::EndpointState& endpoint);
  [[nodiscard]] Status answer_names(const engine::ContainerRecord& record, const sys::Netns& netns);
  void register_names(const engine::ContainerRecord& record, const engine::LiveState& live);
  [[nodiscard]] std::optional<std::string> default_ip_of(const engine::ContainerRecord& record) const;
  [[nodiscard]] netns::DnsView view_of(const engine::ContainerRecord& record, sys::FdRef netns) const;

  asio::io_context& io_;
  asio::thread_pool& pool_;
  const engine::StateStore& store_;
  KeeperLink& keeper_;
  netns::Firewall firewall_;
  FirewallGuard guard_;
  netns::Zone zone_;
  netns::DnsServer dns_;
  PublishedPorts ports_;
  std::map<std::string, Network> networks_;  // by real name
  std::vector<std::string> leaving_links_;   // host interfaces of released containers
  std::vector<std::string> warnings_;
};

/// Published ports may lead there.
[[nodiscard]] bool has_way_in(const netns::NetworkSpec& network);

/// Name of the endpoint's side on the host; empty where there is none.
[[nodiscard]] std::string host_link(const netns::EndpointSpec& endpoint);

}  // namespace berth::supervise
