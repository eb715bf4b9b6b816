// What of a session goes with descriptors: a network lent to a build, streams for a one-off container, a terminal.

#include "engine/request.h"
#include "supervise/session.h"
#include "supervise/step_runner.h"
#include "sys/file.h"
#include "sys/unix_socket.h"

namespace berth::supervise {

Work Session::lend(std::string network) {
  if (received_fds_.size() != 1) {
    finish({make_error("the request came without the socket for its answer")});
    co_return;
  }
  sys::UniqueFd answer_socket = std::move(received_fds_.front());
  received_fds_.clear();
  engine::Observed observed = parts_.store.observe();
  const engine::NetworkRecord* lent = observed.network(network);
  // To the network it is a container that no file names.
  engine::ContainerRecord guest;
  guest.id = sys::random_hex(32);
  guest.name = "build-" + guest.short_id();
  guest.project = lent == nullptr ? "" : lent->project;
  guest.config.attachments.emplace_back().network = network;
  engine::LiveState live;
  Result<sys::Netns> netns = co_await parts_.networks.connect(guest, live, false);
  Status sent = !netns ? Status(netns.error()) : sys::send_with_fds(answer_socket.ref(), "n", {netns->fd()});
  if (netns) *netns = sys::Netns();  // or it would outlive who got it
  if (sent) {
    send({{"type", "lent"}, {"gateway", parts_.networks.gateway_of(guest)}});
    while (!silent_) co_await silence_.wait();
  }
  parts_.networks.release(guest, live, false);
  co_await parts_.networks.settle();
  if (!sent) finish({std::move(sent).error()});
}

Status Session::take_stdio(const engine::Json& request, HostRunner& runner) {
  if (request.value("op", "") != engine::RunRequest::kOp || !request.value("attach", true)) return {};
  ForeignStdio stdio;
  if (received_fds_.size() == 1) {
    stdio.console = std::move(received_fds_[0]);
  } else if (received_fds_.size() == 3) {
    stdio.in = std::move(received_fds_[0]);
    stdio.out = std::move(received_fds_[1]);
    stdio.err = std::move(received_fds_[2]);
  } else {
    return make_error("the request came without the descriptors that its container is to have");
  }
  received_fds_.clear();
  runner.connect_one_off(std::move(stdio));
  return {};
}

Status Session::send_console(const engine::Json& request) const {
  BERTH_TRY(engine::AttachRequest attach, engine::from_message<engine::AttachRequest>(request));
  BERTH_TRY(sys::UniqueFd master, parts_.containers.console(attach.id));
  if (received_fds_.size() != 1) return make_error("the request came without a socket for the terminal");
  return sys::send_with_fds(received_fds_.front().ref(), "t", {master.ref()}).context("send the terminal");
}

}  // namespace berth::supervise
