#include "cli/build/step_networks.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include "base/text.h"
#include "cli/client.h"
#include "engine/request.h"
#include "engine/state.h"
#include "netns/links.h"
#include "netns/resolv_conf.h"
#include "sys/file.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

using builder::StepNetwork;

std::string host_resolv_conf() {
  return sys::read_file("/etc/resolv.conf", 1 << 20).value_or("");
}

std::string resolv_conf_with_our_dns() {
  netns::ResolvConf host = netns::parse_resolv_conf(host_resolv_conf());
  return netns::render_container_resolv_conf(host.search, host.options);
}

Error no_such_network(const std::string& name, const engine::Observed& observed) {
  std::vector<std::string> names = {"default", "host", "none"};
  for (const engine::NetworkRecord& network : observed.networks) names.push_back(network.config.name);
  std::optional<std::string> near = nearest(name, names);
  return make_error(fmt::format("the network \"{}\" does not exist", printable(name)),
                    near ? fmt::format("did you mean \"{}\"?", printable(*near))
                         : "expected default, host, none, or the name of a network that `up` has made");
}

StepNetwork host_network() {
  StepNetwork network;
  network.resolv_conf = host_resolv_conf();
  network.host_address = "127.0.0.1";
  return network;
}

}  // namespace

Result<StepNetwork> StepNetworks::make(const std::string& name) {
  if (name.empty() || name == "default") return make_outbound();
  if (name == "host") return host_network();
  if (name != "none") return borrow(name);
  BERTH_TRY(netns::Sandbox sandbox, netns::create_sandbox({.endpoints = {}, .dns = false}));
  StepNetwork network;
  network.netns = std::move(sandbox.netns);
  network.resolv_conf = host_resolv_conf();
  return network;
}

Result<StepNetwork> StepNetworks::make_outbound() {
  {
    std::lock_guard lock(mutex_);
    if (!outbound_ && no_outbound_.empty()) {
      Result<netns::OutboundNetwork> made = netns::OutboundNetwork::open();
      if (made)
        outbound_ = std::move(made).value();
      else
        no_outbound_ = made.error().message();
    }
  }
  if (!outbound_) {
    StepNetwork network = host_network();
    network.notice = fmt::format("(the network is the host's own: {})", no_outbound_);
    return network;
  }
  BERTH_TRY(netns::OutboundLink link, outbound_->connect());
  StepNetwork network;
  network.netns = std::move(link.netns);
  network.resolv_conf = resolv_conf_with_our_dns();
  network.host_address = outbound_->host_address().str();
  network.lent = std::move(link.names);
  return network;
}

Result<StepNetwork> StepNetworks::borrow(const std::string& name) const {
  engine::Observed observed = engine::StateStore(context_.paths).observe();
  if (observed.network(name) == nullptr) return no_such_network(name, observed);
  BERTH_TRY(auto sockets, sys::socket_pair(SOCK_STREAM));
  auto& [ours, theirs] = sockets;
  BERTH_TRY(Client client, Client::connect(context_.paths));
  BERTH_TRY_OK(client.send(engine::to_message(engine::LendRequest{name}), {theirs.ref()}));
  theirs.reset();
  BERTH_TRY(engine::Json answer, client.receive());
  if (answer.value("type", "") != "lent") {
    std::string why = "the supervisor did not answer";
    for (const engine::Json& error : answer.value("errors", engine::Json::array())) why = error.value("message", why);
    return make_error(why);
  }
  BERTH_TRY(sys::Message message, sys::receive_with_fds(ours.ref(), 1));
  if (message.fds.empty()) return make_error("the supervisor did not send the network");
  StepNetwork network;
  network.netns = sys::Netns(std::move(message.fds.front()));
  network.resolv_conf = resolv_conf_with_our_dns();
  network.host_address = answer.value("gateway", "");
  network.lent = std::make_shared<Client>(std::move(client));  // it is lent for as long as the connection stands
  return network;
}

}  // namespace berth::cli
