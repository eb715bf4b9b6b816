#include "runtime/user.h"

#include "tests/runtime/container.h"

using namespace berth;
using namespace berth::test;

namespace {
constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# comment\n"
    "app:x:500:501::/home/app:/bin/sh\n"
    "1000:x:0:0::/root:/bin/sh\n"
    "broken line\n"
    "huge:x:4294967296:0::/:/bin/sh\n"
    "nohome:x:7:7:::\n";
constexpr char kGroup[] = "root:x:0:\napp:x:501:\nextra:x:502:root,app\nother:x:503:nobody\n1000:x:0:\n";

std::string show(const std::string& user, const std::vector<std::string>& add = {}) {
  Result<ResolvedUser> resolved = resolve_user_in(user, add, kPasswd, kGroup);
  if (!resolved) return "error";
  std::string text = std::to_string(resolved->uid) + ":" + std::to_string(resolved->gid) + " [";
  for (gid_t gid : resolved->groups) text += std::to_string(gid) + " ";
  return text + "] " + resolved->home;
}
}  // namespace

TEST_CASE("a user is a number or a name, and digits are always a number") {
  CHECK(show("") == "0:0 [0 502 ] /root");
  CHECK(show("root") == "0:0 [0 502 ] /root");
  CHECK(show("0") == "0:0 [0 502 ] /root");
  CHECK(show("app") == "500:501 [501 502 ] /home/app");
  CHECK(show("500") == "500:501 [501 502 ] /home/app");
  CHECK(show("app:other") == "500:503 [503 ] /home/app");
  CHECK(show("app:1000") == "500:1000 [1000 ] /home/app");  // the group named 1000 is not asked
  CHECK(show("1000") == "1000:0 [0 ] /");                   // CVE-2016-3697: the user named 1000 is not asked
  CHECK(show("1000:1000") == "1000:1000 [1000 ] /");
  CHECK(show("4711") == "4711:0 [0 ] /");
  CHECK(show("2147483647:2147483647") == "2147483647:2147483647 [2147483647 ] /");
  CHECK(show(":502") == "0:502 [502 ] /root");
  CHECK(show("nohome") == "7:7 [7 ] /");
  CHECK(show("app", {"600", "other"}) == "500:501 [501 502 503 600 ] /home/app");
}

TEST_CASE("ids that wrap and names that are not there are errors") {
  for (const char* user : {"4294967296", "2147483648", "4294967295", "99999999999999999999", "0:4294967296",
                           "nobody-here", "app:nogroup", "huge", "-1", "+1", "0x10", "app:-1", " 0"}) {
    INFO(user);
    CHECK(show(user) == "error");
  }
  CHECK(show("0", {"nogroup"}) == "error");
}

TEST_CASE("files of an image are read through its layers and never outside") {
  TempDir dir;
  std::string top = dir / "top", low = dir / "low";
  LayerStack layers = {dir / "missing-upper", top, low};
  REQUIRE(sys::make_dirs(top + "/etc").ok());
  REQUIRE(sys::make_dirs(low + "/etc").ok());
  spit(low + "/etc/passwd", "low");
  CHECK(read_layered(layers, "etc/passwd").value() == "low");
  CHECK_FALSE(read_layered(layers, "etc/shadow").value().has_value());

  // A link in one layer to a file of another one, by absolute and relative names, is the container's path, not the
  // host's.
  std::filesystem::create_symlink("/etc/real", top + "/etc/passwd");
  spit(low + "/etc/real", "linked");
  CHECK(read_layered(layers, "etc/passwd").value() == "linked");
  std::filesystem::remove(top + "/etc/passwd");
  std::filesystem::create_symlink("../../../../../../../etc/hostname-of-host", top + "/etc/passwd");
  CHECK_FALSE(read_layered(layers, "etc/passwd").value().has_value());
  std::filesystem::remove(top + "/etc/passwd");
  std::filesystem::create_symlink("passwd", top + "/etc/passwd");
  CHECK(read_layered(layers, "etc/passwd").error().code == ELOOP);
  std::filesystem::remove(top + "/etc/passwd");

  // What never ends or blocks is refused (CVE-2024-9676), what is too long as well (CVE-2026-47262).
  REQUIRE(mkfifo((top + "/etc/passwd").c_str(), 0644) == 0);
  CHECK_FALSE(read_layered(layers, "etc/passwd").ok());
  std::filesystem::remove(top + "/etc/passwd");
  spit(top + "/etc/passwd", "");
  REQUIRE(truncate((top + "/etc/passwd").c_str(), 5LL << 30) == 0);
  CHECK(read_layered(layers, "etc/passwd").error().code == EFBIG);
}

TEST_CASE("whiteouts and opaque directories hide what lies below") {
  if (needs_root()) return;
  TempDir dir;
  std::string top = dir / "top", low = dir / "low";
  REQUIRE(sys::make_dirs(top).ok());
  REQUIRE(sys::make_dirs(low + "/etc").ok());
  spit(low + "/etc/passwd", "low");
  REQUIRE(mknod((top + "/etc").c_str(), S_IFCHR, 0) == 0);
  CHECK_FALSE(read_layered({top, low}, "etc/passwd").value().has_value());
  std::filesystem::remove(top + "/etc");
  REQUIRE(sys::make_dirs(top + "/etc").ok());
  CHECK(read_layered({top, low}, "etc/passwd").value() == "low");
  REQUIRE(mknod((top + "/etc/passwd").c_str(), S_IFCHR, 0) == 0);
  CHECK_FALSE(read_layered({top, low}, "etc/passwd").value().has_value());
}

TEST_CASE("user forms end up as ids of the process, in start and exec alike") {
  if (needs_root()) return;
  struct Case {
    const char *user, *ids;
  };
  for (const Case& row : {Case{"1000", "1000 0 0"}, Case{"app:502", "500 502 502"}, Case{"77:78", "77 78 78"}}) {
    Container container;
    container.spec.user = row.user;
    std::string expected = std::string(row.ids) + "\n";
    CHECK(container.run("echo $(id -u) $(id -g) $(id -G)") == expected);
    container.spec.args = {"/bin/sleep", "100"};
    container.spec.user = "";
    Running running = container.start().value();
    ExecSpec exec{.args = {"sh", "-c", "echo $(id -u) $(id -g) $(id -G)"}, .user = row.user};
    CHECK(container.exec(running, exec) == expected);
    container.stop(running);
  }
  for (const char* user : {"4294967296", "2147483648", "nobody-here"}) {
    Container container;
    container.spec.user = user;
    container.spec.args = {"/bin/true"};
    CHECK_FALSE(container.start().ok());
  }
}
