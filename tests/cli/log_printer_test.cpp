#include "cli/log_printer.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::cli;

namespace {

/// What is written to stdout and stderr while it lives.
class Captured {
 public:
  Captured() { redirect(); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() { restore(); }

  std::string out() { return restore(), sys::read_file(dir_ / "1").value(); }
  std::string err() { return restore(), sys::read_file(dir_ / "2").value(); }

 private:
  void redirect() {
    for (int fd : {1, 2}) {
      fflush(fd == 1 ? stdout : stderr);
      saved_[fd] = sys::UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 10));
      sys::UniqueFd file = sys::open_file(dir_ / std::to_string(fd), O_WRONLY | O_CREAT, 0600).value();
      dup2(file.get(), fd);
    }
  }
  void restore() {
    for (int fd : {1, 2}) {
      if (!saved_[fd].valid()) continue;
      fflush(fd == 1 ? stdout : stderr);
      dup2(saved_[fd].get(), fd);
      saved_[fd] = sys::UniqueFd();
    }
  }

  test::TempDir dir_;
  sys::UniqueFd saved_[3];
};

engine::LogEntry entry(std::string_view text, bool partial = false, uint8_t stream = 1) {
  return engine::LogEntry{1'700'000'000'000'000'000, stream, partial, engine::LogEntry::Kind::text, text};
}

}  // namespace

TEST_CASE("colours and tabs pass to the terminal, everything else is shown") {
  CHECK(safe_for_terminal("plain\ttext") == "plain\ttext");
  CHECK(safe_for_terminal("\033[31mred\033[0m") == "\033[31mred\033[0m");
  CHECK(safe_for_terminal("\033[1;38;5;200mx\033[m") == "\033[1;38;5;200mx\033[m");
  CHECK(safe_for_terminal("\033[2J") == "\\x1b[2J");
  CHECK(safe_for_terminal("\033[6n") == "\\x1b[6n");
  CHECK(safe_for_terminal("\033]0;title\a") == "\\x1b]0;title\\x07");
  CHECK(safe_for_terminal("a\033[31") == "a\\x1b[31");
  CHECK(safe_for_terminal("\033") == "\\x1b");
  CHECK(safe_for_terminal("\033\033[1m") == "\\x1b\033[1m");
  CHECK(safe_for_terminal("\033[?1m") == "\\x1b[?1m");
  CHECK(safe_for_terminal("\xc2\x9b"
                          "31m") !=
        "\xc2\x9b"
        "31m");  // CSI as one character
  CHECK(safe_for_terminal("gr\u00fc\u00dfe") == "gr\u00fc\u00dfe");
  CHECK(safe_for_terminal(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(safe_for_terminal("") == "");
}

TEST_CASE("the line end of a terminal goes, a carriage return inside a line is shown") {
  CHECK(safe_for_terminal("text\r") == "text");
  CHECK(safe_for_terminal("good\rbad") == "good\\x0dbad");
  CHECK(safe_for_terminal("\r") == "");
}

TEST_CASE("lines are told apart by names padded to the longest") {
  Captured captured;
  LogPrinter printer({});
  printer.add_source("web-1");
  printer.add_source("database-1");
  printer.print(printer.add_source("web-1"), entry("hello"));
  printer.print(printer.add_source("database-1"), entry("world", false, 2));
  CHECK(captured.out() ==
        "web-1       | hello\n"
        "database-1  | world\n");
  CHECK(captured.err().empty());
}

TEST_CASE("parts of lines are held back until the line is whole, each stream by itself") {
  Captured captured;
  LogPrinter printer({});
  printer.add_source("a");
  printer.add_source("b");
  printer.print(printer.add_source("a"), entry("one ", true));
  printer.print(printer.add_source("b"), entry("between"));
  printer.print(printer.add_source("a"), entry("error", false, 2));
  printer.print(printer.add_source("a"), entry("line"));
  printer.print(printer.add_source("a"), entry("no newline", true));
  printer.flush(printer.add_source("a"));
  printer.flush(printer.add_source("a"));
  CHECK(captured.out() ==
        "b  | between\n"
        "a  | error\n"
        "a  | one line\n"
        "a  | no newline\n");
}

TEST_CASE("streams are kept apart where that is asked for, and a prefix and times left out or put in") {
  Captured captured;
  LogStyle style;
  style.split_streams = true;
  style.prefix = false;
  style.timestamps = true;
  LogPrinter printer(style);
  printer.add_source("a");
  printer.print(printer.add_source("a"), entry("out"));
  printer.print(printer.add_source("a"), entry("err", false, 2));
  CHECK(captured.out() == "2023-11-14T22:13:20.000000000Z out\n");
  CHECK(captured.err() == "2023-11-14T22:13:20.000000000Z err\n");
}

TEST_CASE("each container has a colour of its own, and what it left open comes before a remark") {
  Captured captured;
  LogStyle style;
  style.colour = true;
  LogPrinter printer(style);
  printer.add_source("a");
  printer.add_source("b");
  printer.add_source("a");
  printer.print(printer.add_source("a"), entry("x", true));
  printer.remark(printer.add_source("a"), "exited with code 0");
  printer.print(printer.add_source("b"), entry("y"));
  std::string out = captured.out();
  CHECK(out ==
        "\033[36ma  | \033[0mx\n"
        "\033[36ma exited with code 0\033[0m\n"
        "\033[33mb  | \033[0my\n");
}

TEST_CASE("into a file the bytes go as they came") {
  Captured captured;
  LogPrinter printer({});
  printer.add_source("a");
  printer.print(printer.add_source("a"), entry("\033[2J\xff"));
  CHECK(captured.out() == "a  | \033[2J\xff\n");
}
