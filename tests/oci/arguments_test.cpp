#include "oci/arguments.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::oci;

namespace {

Result<Arguments> parse(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return Arguments::parse(kExecFlags, pointers);
}

}  // namespace

TEST_CASE("flags are written with one dash or two, values behind a blank or an equals sign") {
  Result<Arguments> arguments =
      parse({"-t", "--env", "A=1", "-e=B=2", "-cwd", "/x", "--detach=false", "it", "-d", "--x"});
  REQUIRE(arguments.ok());
  CHECK(arguments->has("tty"));
  CHECK(arguments->values("env") == std::vector<std::string>{"A=1", "B=2"});
  CHECK(arguments->value("cwd") == "/x");
  CHECK_FALSE(arguments->has("detach"));
  CHECK(arguments->operands() == std::vector<std::string>{"it", "-d", "--x"});
  CHECK(parse({"--", "-t"})->operands() == std::vector<std::string>{"-t"});
}

TEST_CASE("mistakes in flags are named") {
  CHECK(parse({"--prcess", "x"}).error().hint == "did you mean --process?");
  CHECK(parse({"--cwd"}).error().message() == "flag --cwd needs a value");
  CHECK(parse({"--tty=5"}).error().message() == "flag --tty takes no value but true and false");
  CHECK(parse({"--preserve-fds", "-3"})->number("preserve-fds").value() == -3);
  CHECK_FALSE(parse({"--preserve-fds", "3x"})->number("preserve-fds").ok());
}
