#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sys/lock.h"
#include "sys/netns.h"
#include "sys/paths.h"
#include "sys/pidfd.h"
#include "sys/unix_socket.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::sys;

TEST_CASE("a pidfd signals and waits for exactly its process") {
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  ProcessIdentity identity = identify(pid).value();
  Pidfd handle = open_identified(identity).value();
  CHECK(handle.pid().value() == pid);
  CHECK_FALSE(handle.exited());
  REQUIRE(handle.signal(SIGKILL).ok());
  CHECK(handle.wait_exit(5000));
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(handle.pid().error().code == ESRCH);
  CHECK(handle.signal(SIGKILL).ok());  // already gone is fine
  CHECK(open_identified(identity).error().code == ESRCH);
  identity.pid = getpid();  // a live process with another start time
  CHECK(open_identified(identity).error().code == ESRCH);
}

TEST_CASE("a lock excludes until its holder goes") {
  test::TempDir dir;
  {
    FileLock held = FileLock::acquire(dir / "lock").value();
    CHECK(FileLock::try_acquire(dir / "lock").error().code == EWOULDBLOCK);
  }
  CHECK(FileLock::try_acquire(dir / "lock").ok());
}

TEST_CASE("descriptors travel over a socket with their message") {
  auto [left, right] = socket_pair(SOCK_SEQPACKET).value();
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  REQUIRE(send_with_fds(left.ref(), "pipe", {writer.ref()}).ok());
  Message message = receive_with_fds(right.ref(), 100).value();
  CHECK(message.data == "pipe");
  REQUIRE(message.fds.size() == 1);
  CHECK((fcntl(message.fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(write(message.fds[0].get(), "x", 1) == 1);
  char byte = 0;
  CHECK(read(reader.get(), &byte, 1) == 1);
}

TEST_CASE("a socket path may be longer than an address") {
  test::TempDir dir;
  std::string path = dir / (std::string(150, 'd') + "");
  REQUIRE(mkdir(path.c_str(), 0755) == 0);
  path += "/socket";
  UniqueFd listener = listen_unix(path).value();
  CHECK(connect_unix(path).ok());
  CHECK(peer_credentials(connect_unix(path).value().ref()).value().pid == getpid());
}

TEST_CASE("work in a network namespace leaves the caller where it is") {
  if (geteuid() != 0) {
    WARN("skipped: creating a network namespace needs root");
    return;
  }
  unsigned here = if_nametoindex("lo");
  REQUIRE(here != 0);
  Netns fresh = Netns::create().value();
  int names = -1;
  REQUIRE(fresh
              .run([&]() -> Status {
                struct if_nameindex* list = if_nameindex();
                names = 0;
                for (auto* entry = list; entry->if_index != 0; ++entry) ++names;
                if_freenameindex(list);
                return {};
              })
              .ok());
  CHECK(names >= 1);
  CHECK(Netns::current().ok());
}

TEST_CASE("roots come from the environment and have tags of their own") {
  Paths one{"/var/lib/berth", "/run/berth"};
  Paths two{"/tmp/ci-1", "/tmp/ci-1/run"};
  CHECK(one.tag().size() == 8);
  CHECK(one.tag() != two.tag());
}
