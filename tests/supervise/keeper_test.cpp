// Drives the real berth-keeper with fake_supervisor.cpp.

#include "tests/supervise/keeper_process.h"

using namespace berth;
using namespace berth::test;

TEST_CASE("the keeper starts its supervisor, and another one when that is killed") {
  Keeper keeper;
  Words first = keeper.who();
  CHECK(first[1] == "new");
  CHECK_FALSE(keeper.lock_is_free());
  keeper.kill_supervisor();
  Words second = keeper.who();
  CHECK(second[0] != first[0]);
  CHECK(second[1] == "old");
  // One that goes by itself is no different.
  CHECK(keeper.ask("exit") == "ok");
  REQUIRE(eventually([&] { return keeper.who()[0] != second[0]; }));
}

TEST_CASE("descriptors that a supervisor stored come back to the next one") {
  Keeper keeper;
  CHECK(keeper.ask("store dns/a alpha") == "ok");
  CHECK(keeper.ask("store tty/b beta") == "ok");
  CHECK(keeper.ask("store tty/c gamma") == "ok");
  CHECK(keeper.ask("store tty/b newer") == "ok");
  CHECK(keeper.ask("drop tty/c") == "ok");
  for (int round : {1, 2}) {
    INFO(round);
    keeper.kill_supervisor();
    CHECK(keeper.who()[2] == "dns/a,tty/b");
    CHECK(keeper.ask("read dns/a") == "alpha+second");
    CHECK(keeper.ask("read tty/b") == "newer+second");
    CHECK(keeper.ask("read tty/c") == "nothing");
  }
}

TEST_CASE("a child's end is told, and told again to the next supervisor") {
  Keeper keeper;
  std::string seven = keeper.ask("spawn 7");
  std::string told = seven + ":" + std::to_string(7 << 8);
  CHECK(keeper.ask_until("exits", told) == told);

  std::string sleeper = keeper.ask("spawn sleep");
  pid_t pid = static_cast<pid_t>(parse_unsigned(sleeper).value());
  keeper.kill_supervisor();
  CHECK(keeper.ask("exits") == told);
  CHECK(kill(pid, 0) == 0);  // its parent is the keeper
  REQUIRE(kill(pid, SIGTERM) == 0);
  told += "," + sleeper + ":" + std::to_string(SIGTERM);
  CHECK(keeper.ask_until("exits", told) == told);
  CHECK(kill(pid, 0) != 0);  // and has reaped it
}

TEST_CASE("output is cut into lines, each with its stream, and goes on without a supervisor") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out"), err = fifo(keeper.run() + "/err");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out " + keeper.run() + "/err") == "ok");
  write_to(out, "one\ntwo\n\n");
  CHECK(log_of(log, 3) == Words{"1:one", "1:two", "1:"});
  write_to(err, "bad\n");
  CHECK(log_of(log, 4).back() == "2:bad");
  write_to(out, "name? ");
  CHECK(log_of(log, 5).back() == "1:name? …");

  pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  REQUIRE(kill(supervisor, SIGSTOP) == 0);
  write_to(out, "me\n");
  CHECK(log_of(log, 6).back() == "1:me");
  REQUIRE(kill(supervisor, SIGCONT) == 0);
}

TEST_CASE("a line longer than a frame is written in parts and loses nothing") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  std::string text;
  for (int i = 0; text.size() < 50'000; ++i) text += std::to_string(i) + " ";
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  write_to(out, text + "\nend\n");
  std::string joined;
  REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == "1:end"; }));
  Result<engine::LogReader> reader = engine::LogReader::open(log);
  REQUIRE(reader);
  while (std::optional<engine::LogEntry> entry = reader->next()) {
    CHECK(entry->text.size() <= kMaxLogPayload);
    if (entry->text != "end") joined += entry->text;
  }
  CHECK(joined == text);
}

TEST_CASE("many short lines at once all arrive, in order") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string newlines(60'000, '\n');  // each becomes a frame: many times what was read
  write_to(out, newlines + "end\n");
  REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == "1:end"; }));
  CHECK(read_log(log).size() == newlines.size() + 1);
}

TEST_CASE("a stream that ends with an open line says so") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  write_to(out, "whole\nopen");
  CHECK(log_of(log, 2) == Words{"1:whole", "1:open…"});
  out.reset();
  CHECK(log_of(log, 3).back() == "1$");
}

TEST_CASE("a log that is full goes on in the next file, and the oldest goes") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("limits 1000 3") == "ok");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  const std::string text(300, 'x');
  for (int i = 0; i < 20; ++i) {
    std::string last = "1:" + text + std::to_string(i);
    write_to(out, text + std::to_string(i) + "\n");
    REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == last; }));
  }
  // Three frames a file; two full files and the one with the last two lines.
  CHECK(read_log(log).size() == 8);
  CHECK(engine::LogReader::newest(keeper.run()) == 6);
  CHECK_FALSE(std::filesystem::exists(log));
  CHECK_FALSE(std::filesystem::exists(log + ".3"));
}

TEST_CASE("what the file system does not take is counted where it is missing, and nobody waits") {
  Keeper keeper(4096);  // for each file, as a full disk for all
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
  write_to(out, lines);
  auto lost = [&] {
    Result<engine::LogReader> reader = engine::LogReader::open(log);
    uint64_t kept = 0;
    while (reader && reader->next()) ++kept;
    return reader && reader->open_gap() ? kept + reader->open_gap()->lost : 0;
  };
  REQUIRE(eventually([&] { return lost() == 1000; }));
  write_to(out, lines);
  REQUIRE(eventually([&] { return lost() == 2000; }));
  CHECK(sys::read_all(sys::open_file(log, O_RDONLY).value().ref()).value().size() <= 4096);
  CHECK(read_log(log).front() == "1:line 0");
}

TEST_CASE("a log of no files takes the output and keeps nothing") {
  Keeper keeper;
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("limits 0 0") == "ok");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string much(1 << 20, '\n');
  fcntl(out.get(), F_SETFL, 0);  // this waits until somebody reads
  write_to(out, much);
  CHECK_FALSE(std::filesystem::exists(keeper.run() + "/log"));
}

TEST_CASE("a keeper that is told to leave takes its files and its lock with it") {
  Keeper keeper;
  CHECK(keeper.ask("store a b") == "ok");
  keeper.who();
  CHECK(keeper.ask("leave") == "ok");
  // The socket goes at once; the process when the supervisor has ended.
  REQUIRE(eventually([&] { return !std::filesystem::exists(keeper.run() + "/supervisor.sock"); }));
  CHECK_FALSE(keeper.process().exited());
  Result<sys::UniqueFd> refused = sys::connect_unix(keeper.run() + "/supervisor.sock");
  CHECK_FALSE(refused);
}

TEST_CASE("a keeper that leaves ends with its supervisor, and the next one begins with nothing") {
  Keeper keeper;
  CHECK(keeper.ask("store a b") == "ok");
  pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  CHECK(keeper.ask("leave") == "ok");
  REQUIRE(kill(supervisor, SIGKILL) == 0);
  REQUIRE(keeper.process().wait_exit(10'000));
  CHECK(sys::list_dir(keeper.run()).value() == Words{"keeper.lock"});
  CHECK(keeper.lock_is_free());
  keeper.start();
  Words next = keeper.who();
  CHECK(next[1] == "new");
  CHECK(next[2].empty());
}

TEST_CASE("a second keeper waits for the first one's lock") {
  Keeper keeper;
  Words first = keeper.who();
  sys::Pidfd second = keeper.start_another();
  CHECK(keeper.who()[0] == first[0]);
  CHECK_FALSE(second.exited());
  CHECK(keeper.ask("leave") == "ok");
  REQUIRE(kill(static_cast<pid_t>(parse_unsigned(first[0]).value()), SIGKILL) == 0);
  REQUIRE(keeper.process().wait_exit(10'000));
  Words next = keeper.who();
  CHECK(next[0] != first[0]);
  CHECK(next[1] == "new");
  CHECK_FALSE(second.exited());
}
