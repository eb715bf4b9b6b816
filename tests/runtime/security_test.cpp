#include <fmt/core.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstring>

#include "runtime/caps.h"
#include "runtime/seccomp.h"
#include "tests/runtime/container.h"

using namespace berth;
using namespace berth::test;

namespace {

constexpr char kCapLines[] = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status";

std::string caps_hex(CapMask caps) {
  return fmt::format("{:016x}", caps);
}

/// A field of the text of /proc/PID/status.
std::string field(const std::string& text, const std::string& name) {
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with(name + ":")) return std::string(trim(line.substr(name.size() + 1)));
  }
  return "(none)";
}

}  // namespace

TEST_CASE("root has exactly the default capabilities, inheritable and ambient sets are empty") {
  if (needs_root()) return;
  Container container;
  std::string text = container.run(kCapLines);
  std::string expected = caps_hex(default_caps() & container.host.all_caps());
  CHECK(field(text, "CapPrm") == expected);
  CHECK(field(text, "CapEff") == expected);
  CHECK(field(text, "CapBnd") == expected);
  CHECK(field(text, "CapInh") == caps_hex(0));
  CHECK(field(text, "CapAmb") == caps_hex(0));
  CHECK(field(text, "NoNewPrivs") == "0");
  CHECK(field(text, "Seccomp") == "2");
}

TEST_CASE("another user has no capabilities, with and without no_new_privileges") {
  if (needs_root()) return;
  for (bool no_new_privileges : {false, true}) {
    Container container;
    container.spec.user = "app";
    container.spec.no_new_privileges = no_new_privileges;
    std::string text = container.run(std::string(kCapLines) + "; id; echo $HOME");
    CHECK(field(text, "CapEff") == caps_hex(0));
    CHECK(field(text, "CapPrm") == caps_hex(0));
    CHECK(field(text, "CapAmb") == caps_hex(0));
    CHECK(field(text, "NoNewPrivs") == (no_new_privileges ? "1" : "0"));
    CHECK(field(text, "Seccomp") == "2");
    CHECK(contains(text, "uid=500(app) gid=501(app) groups=501(app),502(extra)"));
    CHECK(contains(text, "/home/app"));
  }
}

TEST_CASE("capabilities are added and dropped by name") {
  if (needs_root()) return;
  Container container;
  container.spec.cap_add = {"NET_ADMIN"};
  container.spec.cap_drop = {"ALL"};
  CHECK(field(container.run(kCapLines), "CapEff") == caps_hex(parse_cap("NET_ADMIN").value()));
}

TEST_CASE("a privileged container has everything and no filter") {
  if (needs_root()) return;
  Container container;
  container.spec.privileged = true;
  std::string text =
      container.run(std::string(kCapLines) + "; touch /proc/sys/kernel/panic && echo writable; ls /dev | wc -l");
  CHECK(field(text, "CapEff") == caps_hex(container.host.all_caps()));
  CHECK(field(text, "Seccomp") == "0");
  CHECK(contains(text, "writable"));
}

TEST_CASE("names of capabilities are understood as people write them") {
  CHECK(parse_cap("cap_net_admin").value() == parse_cap("NET_ADMIN").value());
  CHECK(parse_cap("NET_ADMN").error().hint == "did you mean NET_ADMIN?");
  CHECK(render_caps(default_caps()) ==
        "CHOWN,DAC_OVERRIDE,FOWNER,FSETID,KILL,SETGID,SETUID,SETPCAP,NET_BIND_SERVICE,NET_RAW,SYS_CHROOT,MKNOD,"
        "AUDIT_WRITE,SETFCAP");
  CapMask all = (CapMask{1} << 41) - 1;
  CHECK(resolve_caps({"ALL"}, {"SYS_ADMIN"}, false, all).value() == (all & ~parse_cap("SYS_ADMIN").value()));
  CHECK(resolve_caps({}, {"all"}, true, all).value() == 0);
  CHECK(resolve_caps({"chown"}, {"ALL"}, false, all).value() == parse_cap("CHOWN").value());
  CHECK_FALSE(resolve_caps({}, {"nothing"}, false, all).ok());
}

TEST_CASE("the default filter answers as Docker's does") {
  if (needs_root()) return;
  std::vector<sock_filter> program = default_filter(default_caps(), "").value();
  const int statmount_unfiltered = syscall(457, 0, 0, 0, 0, 0) == 0 ? 0 : errno;  // EFAULT; ENOSYS before Linux 6.8
  // The filter goes onto a child of ours, which then tries the calls one by one and reports each errno.
  struct Try {
    const char* name;
    long number, a, b;
    int expected;
  };
  const Try tries[] = {
      {"unshare", SYS_unshare, 0x20000, 0, EPERM},
      {"mount", SYS_mount, 0, 0, EPERM},
      {"umount2", SYS_umount2, 0, 0, EPERM},
      {"keyctl", SYS_keyctl, 0, 0, EPERM},
      {"add_key", SYS_add_key, 0, 0, EPERM},
      {"bpf", SYS_bpf, 0, 0, EPERM},
      {"setns", SYS_setns, -1, 0, EPERM},
      {"io_uring_setup", SYS_io_uring_setup, 1, 0, EPERM},
      {"userfaultfd", SYS_userfaultfd, 0, 0, EPERM},
      {"fsopen", SYS_fsopen, 0, 0, EPERM},
      {"kexec_load", SYS_kexec_load, 0, 0, EPERM},
      {"clone new user", SYS_clone, 0x10000000, 0, EPERM},
      {"clone3", SYS_clone3, 0, 0, ENOSYS},
      {"unknown", 5000, 0, 0, ENOSYS},
      {"just beyond the table", 470, 0, 0, ENOSYS},
      {"socket AF_ALG", SYS_socket, 38, 5, EPERM},
      {"socket AF_VSOCK", SYS_socket, 40, 1, EPERM},
      {"socket AF_INET", SYS_socket, 2, 1, 0},
      {"personality query", SYS_personality, 0xFFFFFFFF, 0, 0},
      {"personality odd", SYS_personality, 0x40000, 0, EPERM},
      {"statmount", 457, 0, 0, statmount_unfiltered},
      {"lsm_list_modules", 461, 0, 0, EPERM},
      {"getpid", SYS_getpid, 0, 0, 0},
      {"ptrace", SYS_ptrace, 999, 0, ESRCH},
  };
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    sock_fprog fprog{static_cast<unsigned short>(program.size()), program.data()};
    if (syscall(SYS_seccomp, 1, 0, &fprog) != 0) _exit(1);
    for (const Try& attempt : tries) {
      errno = 0;
      long result = syscall(attempt.number, attempt.a, attempt.b, 0, 0, 0);
      int code = result < 0 ? errno : 0;
      if (write(ends[1], &code, sizeof code) != sizeof code) _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  for (const Try& attempt : tries) {
    int code = -1;
    REQUIRE(read(ends[0], &code, sizeof code) == sizeof code);
    INFO(attempt.name);
    CHECK(code == attempt.expected);
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("a capability opens its system calls and the cache gives back what was compiled") {
  TempDir dir;
  std::vector<sock_filter> plain = default_filter(default_caps(), dir / "cache").value();
  std::vector<sock_filter> admin =
      default_filter(default_caps() | parse_cap("SYS_ADMIN").value(), dir / "cache").value();
  auto same = [](const std::vector<sock_filter>& a, const std::vector<sock_filter>& b) {
    return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(sock_filter)) == 0;
  };
  CHECK_FALSE(same(plain, admin));
  std::vector<std::string> files = sys::list_dir(dir / "cache").value();
  REQUIRE(files.size() == 2);
  CHECK(same(default_filter(default_caps(), dir / "cache").value(), plain));
  // A file that others may write to is not believed.
  for (const std::string& file : files) {
    spit(dir / ("cache/" + file), "12345678", 0666);
    REQUIRE(chmod((dir / ("cache/" + file)).c_str(), 0666) == 0);
  }
  CHECK(same(default_filter(default_caps(), dir / "cache").value(), plain));
}

TEST_CASE("inside, new namespaces and mounts are refused") {
  if (needs_root()) return;
  Container container;
  std::string text = container.run("unshare -m true && echo unshared; mount -t tmpfs x /tmp && echo mounted; echo end");
  CHECK(contains(text, "end\n"));
  CHECK_FALSE(contains(text, "unshared"));
  CHECK_FALSE(contains(text, "mounted"));
  CHECK(contains(text, "Operation not permitted"));
}

TEST_CASE("an image whose /dev, /proc or /sys is a symlink touches nothing of the host") {
  if (needs_root()) return;
  Container container;
  TempDir canary;
  for (const char* name : {"dev", "proc", "sys"}) std::filesystem::create_symlink(canary.path(), container.layer(name));
  CHECK(container.run("stat -c %t:%T /dev/null; cat /proc/self/comm; [ -d /sys/kernel ] && echo sys") ==
        "1:3\ncat\nsys\n");
  CHECK(sys::list_dir(canary.path()).value().empty());
}

TEST_CASE("a mount target through symlinks stays inside the container") {
  if (needs_root()) return;
  Container container;
  TempDir canary;
  std::filesystem::create_symlink(canary.path(), container.layer("out"));
  REQUIRE(sys::make_dirs(container.layer(canary.path().substr(1))).ok());  // the same path inside is what is meant
  std::filesystem::create_symlink("../../../../../..", container.layer("up"));
  spit(container.dir("file"), "content");
  container.spec.mounts = {BindMount{.source = container.dir("file"), .target = "/out/made/file"},
                           TmpfsMount{.target = "/up/tmpfs"}};
  CHECK(container.run("cat " + canary.path() + "/made/file; grep -c ' /tmpfs ' /proc/self/mountinfo") == "content1\n");
  CHECK(sys::list_dir(canary.path()).value().empty());
  CHECK_FALSE(sys::exists("/tmpfs"));
}

TEST_CASE("the working directory is made if missing and never leads outside") {
  if (needs_root()) return;
  {
    Container container;
    container.spec.cwd = "/srv/new/place";
    CHECK(container.run("pwd") == "/srv/new/place\n");
  }
  for (int fd = 3; fd < 24; ++fd) {
    Container container;
    container.spec.cwd = fmt::format("/proc/self/fd/{}", fd);
    container.spec.args = {"/bin/sh", "-c", "pwd; cat ../../../../etc/hostname"};
    Result<Running> running = container.start();
    CHECK_FALSE(running.ok());  // a magic link is no directory of the container
    if (running.ok()) container.stop(*running);
  }
}

TEST_CASE("files given to be executed and shown cannot be changed through /proc/1/exe") {
  if (needs_root()) return;
  Container container;
  container.spec.init = true;
  std::string text = container.run("readlink /proc/1/exe; echo x > /proc/1/exe && echo wrote; echo end");
  CHECK(contains(text, "memfd:berth-init"));
  CHECK_FALSE(contains(text, "wrote"));
}

TEST_CASE("bind mounts are read-only all the way down, tmpfs has its limits") {
  if (needs_root()) return;
  Container container;
  REQUIRE(sys::make_dirs(container.dir("data/below")).ok());
  REQUIRE(mount("tmpfs", container.dir("data/below").c_str(), "tmpfs", 0, nullptr) == 0);
  container.spec.mounts = {BindMount{.source = container.dir("data"), .target = "/ro", .read_only = true},
                           BindMount{.source = container.dir("data"), .target = "/rw"},
                           TmpfsMount{.target = "/scratch", .size = 1 << 20, .mode = 0700, .uid = 500}};
  std::string text = container.run(
      "touch /ro/x && echo wrote ro; touch /ro/below/x && echo wrote below; touch /rw/x && echo rw; touch /rw/below/y "
      "&& echo below;"
      "stat -c '%a %u' /scratch; dd if=/dev/zero of=/scratch/f bs=1024 count=2000 2>&1 | grep -o 'No space'");
  CHECK_FALSE(contains(text, "wrote"));
  CHECK(contains(text, "rw\nbelow\n700 500\n"));
  CHECK(contains(text, "No space"));
  REQUIRE(umount(container.dir("data/below").c_str()) == 0);
}

TEST_CASE("a read-only root can still be given a volume") {
  if (needs_root()) return;
  Container container;
  container.spec.read_only_root = true;
  container.spec.mounts = {TmpfsMount{.target = "/run/made"}};
  CHECK_FALSE(contains(container.run("touch /x && echo wrote; touch /run/made/x && echo volume"), "wrote"));
}
