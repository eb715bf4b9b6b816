#include "cli/go_flags.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

using namespace berth::cli;

namespace {

using Words = std::vector<std::string>;

Words spelt(const Words& words) {
  CLI::App app;
  std::string file, output;
  Words environment, rest;
  bool pause = true;
  app.add_option("-f,--file", file);
  CLI::App* commit = app.add_subcommand("commit");
  commit->add_flag("-p,--pause,!--no-pause", pause);
  commit->add_option("-o,--output", output);
  commit->add_option("-e,--env", environment)->allow_extra_args(false);
  commit->add_option("WORDS", rest);
  app.add_subcommand("image")->add_subcommand("history")->add_flag("-H,--human", pause);
  std::vector<const char*> argv = {"berth"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return spelt_for_cli11(app, static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("short flags take a value behind an equals sign, as in Go") {
  CHECK(spelt({"commit", "-p=false", "web"}) == Words{"commit", "--pause=false", "web"});
  CHECK(spelt({"image", "history", "-H=false", "x"}) == Words{"image", "history", "--human=false", "x"});
  CHECK(spelt({"commit", "-o=file", "web"}) == Words{"commit", "-o", "file", "web"});
  CHECK(spelt({"commit", "-e=A=b", "-e", "-p=x", "-p=true"}) ==
        Words{"commit", "-e", "A=b", "-e", "-p=x", "--pause=true"});
  CHECK(spelt({"-f=a.yaml", "--file", "commit", "commit", "-p=false"}) ==
        Words{"-f", "a.yaml", "--file", "commit", "commit", "--pause=false"});
}

TEST_CASE("everything else stays as it is, and what another program gets, too") {
  for (const Words& words :
       {Words{}, Words{"commit", "-p", "-ofile", "--output=x", "web"}, Words{"commit", "web", "-p=false"},
        Words{"commit", "--", "-p=false"}, Words{"nothing", "-p=false"}, Words{"commit", "-x=1", "-"}}) {
    CHECK(spelt(words) == words);
  }
}
