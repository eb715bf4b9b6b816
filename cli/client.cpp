#include "cli/client.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>

#include "engine/wire.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

/// Beside this program (build tree), or in libexec beside its bin directory.
Result<std::string> helper(const std::string& name) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  std::string own(path, n > 0 ? static_cast<size_t>(n) : 0);
  std::string dir = own.substr(0, own.rfind('/') + 1);
  for (const std::string& candidate : {dir + name, dir + "../libexec/berth/" + name}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return make_error("the helper program " + name + " is missing",
                    "it belongs beside " + own + " or in ../libexec/berth");
}

bool nobody_listens(const Error& error) {
  return error.code == ENOENT || error.code == ECONNREFUSED;
}

/// Starts the keeper in a session of its own, without a terminal; once this process has ended it belongs to init.
Status start_keeper(const sys::Paths& paths) {
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
  std::string name = "berth-keeper", run = paths.run;
  char* argv[] = {name.data(), run.data(), supervisor.data(), nullptr};
  pid_t pid;
  int error = posix_spawn(&pid, keeper.c_str(), &files, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? Status() : Status(sys_error("start " + keeper, error));
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
  BERTH_TRY_OK(start_keeper(paths));
  for (int waited_ms = 0; waited_ms < 10'000;) {
    client = connect_running(paths);
    if (client || !nobody_listens(client.error())) return client;
    int pause_ms = waited_ms < 20 ? 1 : 10;
    usleep(static_cast<useconds_t>(pause_ms) * 1000);
    waited_ms += pause_ms;
  }
  Error error = std::move(client).error();
  error.hint = "look at " + paths.run + "/supervisor.log";
  return error;
}

Status Client::send(const engine::Json& message) {
  return engine::send_frame(socket_.ref(), message);
}

Result<engine::Json> Client::receive() {
  return engine::receive_frame(socket_.ref());
}

void wait_until_gone(const sys::Paths& paths) {
  for (int waited_ms = 0; waited_ms < 5000; ++waited_ms) {
    if (!sys::exists(paths.run + "/keeper.lock")) return;
    if (sys::FileLock::try_acquire(paths.run + "/keeper.lock").ok()) return;
    usleep(1000);
  }
}

}  // namespace berth::cli
