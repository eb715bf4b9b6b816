#include "supervise/supervisor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "engine/leftovers.h"
#include "runtime/cgroup_leftovers.h"
#include "sys/file.h"
#include "sys/unix_socket.h"
#include "volumes/leftovers.h"

namespace berth::supervise {

Supervisor::Supervisor(const sys::Paths& paths) : store_(paths) {}

Result<std::unique_ptr<Supervisor>> Supervisor::open(const sys::Paths& paths) {
  std::unique_ptr<Supervisor> supervisor;
  try {
    supervisor.reset(new Supervisor(paths));
  } catch (const boost::system::system_error& refused) {  // the pool's thread
    return sys_error("start a thread", refused.code().value());
  }
  try {
    std::thread([&pool = supervisor->pool_] { pool.attach(); }).detach();
  } catch (const std::system_error&) {  // then everything waits for the first one
  }
  BERTH_TRY_OK(supervisor->set_up());
  return supervisor;
}

Status Supervisor::set_up() {
  const sys::Paths& paths = store_.paths();
  BERTH_TRY_OK(sys::make_dirs(paths.root, 0711));
  BERTH_TRY_OK(sys::make_dirs(paths.live(), 0700));
  BERTH_TRY(keeper_, KeeperLink::open(io_, paths.run));
  BERTH_TRY(runtime::Host host, runtime::Host::discover(paths.root + "/cache"));
  host_ = std::make_unique<runtime::Host>(std::move(host));
  networks_ = std::make_unique<Networks>(io_, pool_, store_, *keeper_);
  containers_ = std::make_unique<Containers>(Containers::Parts{io_, pool_, store_, *host_, *networks_, *keeper_});

  sweep();
  std::vector<std::string> problems;
  engine::Observed observed = store_.observe(&problems);
  for (const std::string& problem : problems) fmt::print(stderr, "berth-supervisor: {}\n", problem);
  if (Status adopted = networks_->adopt_networks(observed.networks); !adopted) {
    fmt::print(stderr, "berth-supervisor: networks: {}\n", adopted.error().message());
  }
  containers_->adopt(std::move(observed.containers));
  networks_->drop_default_bridge();
  // Only now: an exit of an adopted container finds its container.
  keeper_->listen({[this](const ExitRecord& exit) { containers_->on_exit(exit); }});
  containers_->on_idle([this] { leave_if_idle(); });
  acceptor_ = std::make_unique<asio::local::stream_protocol::acceptor>(
      io_, asio::local::stream_protocol(), fcntl(keeper_->listener().get(), F_DUPFD_CLOEXEC, 10));
  asio::co_spawn(io_, accept_loop(), asio::detached);
  // The command that had us started may have been killed before it could ask for anything.
  first_request_.expires_after(std::chrono::seconds(2));
  first_request_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped) leave_if_idle();
  });
  return {};
}

/// What an earlier supervisor was killed in the middle of making or removing.
void Supervisor::sweep() {
  auto tell = [](const Status& done) {
    if (!done) fmt::print(stderr, "berth-supervisor: {}\n", done.error().message());
  };
  for (const std::string& id : engine::sweep_state(store_.paths())) {
    tell(runtime::clear_cgroup(host_->cgroups(), "berth-" + store_.paths().tag() + "/" + id));
    tell(store_.remove_container(id));
  }
  Result<volumes::VolumeStore> volumes = volumes::VolumeStore::open(store_.paths());
  tell(volumes ? volumes::sweep(*volumes) : Status(std::move(volumes).error()));
}

void Supervisor::run() {
  io_.run();
}

Work Supervisor::accept_loop() {
  for (;;) {
    auto [error, socket] = co_await acceptor_->async_accept(kAwait);
    if (error) co_return;
    // A supervisor that becomes the keeper must not keep it open: whoever asks would wait for an answer for ever.
    (void)fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);  // cannot fail for a socket that is open
    Result<sys::PeerCredentials> peer = sys::peer_credentials(sys::FdRef(socket.native_handle()));
    if (!peer || (peer->uid != geteuid() && peer->uid != 0)) continue;
    ++sessions_;
    Session::Parts parts{io_, store_, *containers_, *networks_, locks_};
    auto session = std::make_shared<Session>(parts, std::move(socket), peer->pid);
    auto ended = [this](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
      --sessions_;
      leave_if_idle();
    };
    asio::co_spawn(
        io_, [session]() -> Work { return session->run(); }, std::move(ended));
  }
}

void Supervisor::leave_if_idle() {
  if (leaving_ || sessions_ > 0 || containers_->busy()) return;
  leaving_ = true;
  pool_.join();  // cgroups that are being removed
  // Somebody who connected in this moment is not accepted; the client sees the end of the connection and asks again.
  keeper_->leave();
  io_.stop();
}

}  // namespace berth::supervise
