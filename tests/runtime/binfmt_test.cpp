#include "runtime/binfmt.h"

#include <sys/utsname.h>

#include <catch2/catch.hpp>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using berth::runtime::can_execute;
using berth::test::TempDir;

namespace {

void put(const TempDir& dir, const char* name, const std::string& text) {
  REQUIRE(sys::write_file_atomic(dir / name, text, sys::Durability::none).ok());
}

const std::string kRiscv =
    "enabled\ninterpreter /usr/bin/qemu-riscv64-static\nflags: OCF\noffset 0\n"
    "magic 7f454c460201010000000000000000000200f300\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

}  // namespace

TEST_CASE("programs of this machine need no handler") {
  TempDir dir;
  utsname host{};
  uname(&host);
  CHECK(can_execute("", dir.path()).ok());
  if (std::string_view(host.machine) == "x86_64") CHECK(can_execute("amd64", dir.path()).ok());
  CHECK(can_execute(std::string_view(host.machine) == "aarch64" ? "arm64" : "amd64", dir / "not-mounted").ok());
}

TEST_CASE("programs of another machine need a handler that works in containers") {
  TempDir dir;
  put(dir, "status", "enabled\n");
  put(dir, "python3.11", "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n");
  Status none = can_execute("riscv64", dir.path());
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().hint.find("binfmt_misc") != std::string::npos);
  put(dir, "qemu-riscv64", kRiscv);
  CHECK(can_execute("riscv64", dir.path()).ok());
  CHECK_FALSE(can_execute("s390x", dir.path()).ok());
  std::string without = kRiscv;
  put(dir, "qemu-riscv64", without.replace(without.find("OCF"), 3, "OC"));
  CHECK(can_execute("riscv64", dir.path()).error().hint.find("flag F") != std::string::npos);
  std::string disabled = kRiscv;
  put(dir, "qemu-riscv64", disabled.replace(0, 7, "disabled"));
  CHECK_FALSE(can_execute("riscv64", dir.path()).ok());
  CHECK_FALSE(can_execute("pdp11", dir.path()).ok());
}
