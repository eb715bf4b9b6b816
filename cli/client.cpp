#include "cli/client.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "cli/helper.h"
#include "cli/helpers_group.h"
#include "engine/wire.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

constexpr int kKeepers = 3;  // that are started before we give up

bool nobody_listens(const Error& error) {
  return error.code == ENOENT || error.code == ECONNREFUSED;
}

/// Starts the keeper in a session of its own, without a terminal; once this process has ended it belongs to init.
Result<pid_t> start_keeper(const sys::Paths& paths) {
  BERTH_TRY(std::string keeper, helper("berth-keeper"));
  BERTH_TRY(std::string supervisor, helper("berth-supervisor"));
  BERTH_TRY_OK(sys::make_dirs(paths.run, 0700));
  BERTH_TRY(sys::UniqueFd log, sys::open_file(paths.run + "/supervisor.log", O_WRONLY | O_CREAT | O_APPEND, 0600));
  BERTH_TRY(sys::UniqueFd null, sys::open_file("/dev/null", O_RDWR));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, null.get(), 0);
  posix_spawn_file_actions_adddup2(&files, log.get(), 1);
  posix_spawn_file_actions_adddup2(&files, log.get(), 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  std::string name = "berth-keeper", run = paths.run, group = make_helpers_group(paths);
  char* argv[] = {name.data(), run.data(), supervisor.data(), group.empty() ? nullptr : group.data(), nullptr};
  pid_t pid;
  int error = posix_spawn(&pid, keeper.c_str(), &files, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return sys_error("start " + keeper, error);
  return pid;
}

}  // namespace

Result<Client> Client::connect_running(const sys::Paths& paths) {
  BERTH_TRY(sys::UniqueFd socket, sys::connect_unix(paths.socket()));
  BERTH_TRY(sys::PeerCredentials peer, sys::peer_credentials(socket.ref()));
  if (peer.uid != geteuid()) return make_error("the supervisor at " + paths.socket() + " belongs to another user");
  return Client(std::move(socket));
}

Result<Client> Client::connect(const sys::Paths& paths) {
  Result<Client> client = connect_running(paths);
  if (client || !nobody_listens(client.error())) return client;
  BERTH_TRY_OK(sys::make_dirs(paths.run, 0700));
  BERTH_TRY(sys::FileLock lock, sys::FileLock::acquire(paths.run + "/start.lock"));
  client = connect_running(paths);  // somebody else may have been quicker
  if (client || !nobody_listens(client.error())) return client;
  BERTH_TRY(pid_t keeper, start_keeper(paths));
  for (int waited_ms = 0, deaths = 0; waited_ms < 10'000 && deaths < kKeepers;) {
    client = connect_running(paths);
    if (client || !nobody_listens(client.error())) return client;
    // Somebody killed it before it could listen, or it died of itself.
    if (waitpid(keeper, nullptr, WNOHANG) == keeper && ++deaths < kKeepers) {
      BERTH_TRY(keeper, start_keeper(paths));
    }
    int pause_ms = waited_ms < 20 ? 1 : 10;
    usleep(static_cast<useconds_t>(pause_ms) * 1000);
    waited_ms += pause_ms;
  }
  Error error = std::move(client).error();
  error.hint = "look at " + paths.run + "/supervisor.log";
  return error;
}

Status Client::send(const engine::Json& message, const std::vector<sys::FdRef>& fds) {
  return engine::send_frame(socket_.ref(), message, fds);
}

Result<engine::Json> Client::receive() {
  return engine::receive_frame(socket_.ref());
}

void wait_until_gone(const sys::Paths& paths) {
  auto gone = [&] {
    return !sys::exists(paths.run + "/keeper.lock") || sys::FileLock::try_acquire(paths.run + "/keeper.lock").ok();
  };
  for (int waited_ms = 0; waited_ms < 5000; ++waited_ms) {
    if (gone()) return remove_helpers_group(paths);
    usleep(1000);
  }
}

}  // namespace berth::cli
