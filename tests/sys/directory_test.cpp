#include "sys/directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "sys/cleanup_process.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using berth::test::TempDir;

TEST_CASE("names come sorted, from any descriptor of a directory, again and again") {
  TempDir dir;
  REQUIRE(std::system(("cd " + dir.path() + " && touch b a .c").c_str()) == 0);
  sys::UniqueFd fd = sys::open_file(dir.path(), O_PATH | O_DIRECTORY).value();
  for (int i = 0; i < 2; ++i) CHECK(sys::names_in(fd.ref()).value() == std::vector<std::string>{".c", "a", "b"});
}

TEST_CASE("disk usage counts blocks, files with two names once, and follows nothing") {
  TempDir dir;
  REQUIRE(std::system(("cd " + dir.path() +
                       " && mkdir -p tree/sub && head -c 1000000 /dev/urandom > tree/sub/f && ln tree/sub/f "
                       "tree/g && ln -s /usr tree/link && truncate -s 1G tree/hole && du -s -B1 tree > du")
                          .c_str()) == 0);
  std::string du = sys::read_file(dir / "du").value();
  CHECK(sys::disk_usage(dir / "tree") == std::stoull(du));
  CHECK(sys::disk_usage(dir / "none") == 0);
}

TEST_CASE("cleaning up is done at the end of the object, and after kill -9") {
  TempDir dir;
  std::string mark = dir / "cleaned";
  auto write_mark = [&] { (void)sys::write_file_atomic(mark, "x", sys::Durability::none); };
  {
    sys::CleanupProcess process = sys::CleanupProcess::start(write_mark).value();
    CHECK_FALSE(sys::exists(mark));
  }
  REQUIRE(sys::exists(mark));
  REQUIRE(unlink(mark.c_str()) == 0);
  int ready[2];
  REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    auto process = sys::CleanupProcess::start(write_mark);
    (void)!write(ready[1], "x", 1);
    pause();
  }
  close(ready[1]);
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  // The cleaner holds the pipe's other end: its end is the end of the file.
  CHECK(read(ready[0], &byte, 1) == 0);
  close(ready[0]);
  CHECK(sys::exists(mark));
}
