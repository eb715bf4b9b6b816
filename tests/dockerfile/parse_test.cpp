#include "dockerfile/parse.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::dockerfile;

namespace {

Dockerfile parsed(const std::string& text) {
  Diagnostics diagnostics;
  std::optional<Dockerfile> file = parse("Dockerfile", text, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(file);
  return std::move(*file);
}

std::string mistakes(const std::string& text) {
  Diagnostics diagnostics;
  CHECK_FALSE(parse("Dockerfile", text, diagnostics));
  std::string all;
  for (const Diagnostic& one : diagnostics.all()) {
    if (one.severity != Severity::error) continue;
    all += one.span.str() + ": " + one.message + (one.suggestion.empty() ? "" : " (" + one.suggestion + ")") + "\n";
  }
  return all;
}

template <class T>
const T& only(const std::string& line) {
  static std::vector<Dockerfile> kept;
  kept.push_back(parsed("FROM scratch\n" + line + "\n"));
  REQUIRE(kept.back().stages.front().instructions.size() == 1);
  const T* what = std::get_if<T>(&kept.back().stages.front().instructions.front().what);
  REQUIRE(what != nullptr);
  return *what;
}

std::vector<std::string> values(const std::vector<Text>& texts) {
  std::vector<std::string> all;
  for (const Text& text : texts) all.push_back(text.value);
  return all;
}

}  // namespace

TEST_CASE("stages with their names, and ARG before the first of them") {
  Dockerfile file = parsed(
      "ARG VERSION=3\n"
      "FROM --platform=$BUILDPLATFORM debian:$VERSION AS Build\n"
      "RUN make\n"
      "from scratch\n"
      "COPY --from=build /out /\n");
  REQUIRE(file.stages.size() == 2);
  CHECK(file.global_args.size() == 1);
  CHECK(file.stages[0].from.name->value == "build");
  CHECK(file.stages[0].from.platform->value == "$BUILDPLATFORM");
  CHECK(file.find_stage("BUILD") == 0);
  CHECK(file.find_stage("1") == 1);
  CHECK(file.find_stage("2") == -1);
  CHECK(file.stages[1].span.line == 4);
}

TEST_CASE("continued lines, comments between them, and their places") {
  Dockerfile file = parsed(
      "FROM scratch\n"
      "RUN a \\\n"
      "  # a remark\n"
      "  b \\  \n"
      "  c\n"
      "LABEL x=1 \\\n"
      "      bad$name=2\n");
  const auto& run = std::get<Run>(file.stages[0].instructions[0].what);
  CHECK(run.command.words == std::vector<std::string>{"a   b   c"});
  const auto& label = std::get<Label>(file.stages[0].instructions[1].what);
  CHECK(label.all[1].first.span.line == 7);
  CHECK(label.all[1].first.span.column == 7);
}

TEST_CASE("directives at the head, and another escape character") {
  Dockerfile file = parsed(
      "# syntax=docker/dockerfile:1\n"
      "# escape=`\n"
      "FROM scratch\n"
      "RUN a `\n"
      "  b\n"
      "COPY c:\\x d:\\\n");
  CHECK(file.directives.syntax->value == "docker/dockerfile:1");
  CHECK(file.directives.escape == '`');
  CHECK(std::get<Copy>(file.stages[0].instructions[1].what).destination.value == "d:\\");
  CHECK(parsed("\n# escape=`\nFROM scratch\n").directives.escape == '\\');
  CHECK(mistakes("# escape=x\nFROM scratch\n") ==
        "Dockerfile:1:10: the escape character is \"\\\" or \"`\", not \"x\"\n");
}

TEST_CASE("heredocs") {
  const Run& run = only<Run>("RUN <<EOF cat > x\nfirst\n  second\nEOF");
  REQUIRE(run.command.heredocs.size() == 1);
  CHECK(run.command.heredocs[0].content == "first\n  second\n");
  CHECK(run.command.heredocs[0].expand);
  const Copy& copy = only<Copy>("COPY <<-'one' <<two /dir/\n\t\ta\n\tone\nb\ntwo");
  REQUIRE(copy.heredocs.size() == 2);
  CHECK(copy.heredocs[0].content == "a\n");
  CHECK_FALSE(copy.heredocs[0].expand);
  CHECK(copy.heredocs[1].content == "b\n");
  CHECK(copy.sources.empty());
  CHECK(copy.destination.value == "/dir/");
  CHECK(mistakes("FROM scratch\nRUN <<EOF\nx\n") == "Dockerfile:2:5: the heredoc has no end: no line is \"EOF\"\n");
}

TEST_CASE("shell and exec form") {
  CHECK(only<Cmd>("CMD echo $HOME \"x\"").command.words == std::vector<std::string>{"echo $HOME \"x\""});
  CHECK(only<Cmd>("CMD [\"echo\", \"a b\"]").command.words == std::vector<std::string>{"echo", "a b"});
  CHECK(only<Cmd>("CMD [\"echo\", \"a b\"]").command.exec_form);
  CHECK_FALSE(only<Cmd>("CMD ['echo']").command.exec_form);
  CHECK(only<Shell>("SHELL [\"/bin/bash\", \"-c\"]").words == std::vector<std::string>{"/bin/bash", "-c"});
  CHECK(only<Entrypoint>("ENTRYPOINT []").command.exec_form);
}

TEST_CASE("names and values") {
  const Env& env = only<Env>("ENV A=1 B=\"two words\" C='x y'");
  REQUIRE(env.all.size() == 3);
  CHECK(env.all[1].second.value == "\"two words\"");
  const Env& old = only<Env>("ENV A one two");
  REQUIRE(old.all.size() == 1);
  CHECK(old.all[0].second.value == "one two");
  const Arg& arg = only<Arg>("ARG A B=2");
  REQUIRE(arg.all.size() == 2);
  CHECK_FALSE(arg.all[0].value);
  CHECK(arg.all[1].value->value == "2");
}

TEST_CASE("COPY and ADD with their flags") {
  const Copy& copy =
      only<Copy>("COPY --from=build --chown=1:2 --chmod=0755 --link --exclude=*.o --exclude=*.a a b /x/");
  CHECK(values(copy.sources) == std::vector<std::string>{"a", "b"});
  CHECK(copy.from->value == "build");
  CHECK(copy.chown->value == "1:2");
  CHECK(copy.link);
  CHECK(copy.exclude.size() == 2);
  CHECK(values(only<Copy>("COPY [\"a b\", \"c\"]").sources) == std::vector<std::string>{"a b"});
  CHECK(only<Copy>("ADD --checksum=sha256:1 http://x/y /").add);
}

TEST_CASE("mounts of RUN") {
  const Run& run =
      only<Run>("RUN --mount=type=cache,target=/x,sharing=locked --mount=src=a,dst=/y,ro --network=none make");
  REQUIRE(run.mounts.size() == 2);
  CHECK(run.mounts[0].type == "cache");
  CHECK(run.mounts[0].option("sharing")->value == "locked");
  CHECK(run.mounts[1].type == "bind");
  CHECK(run.mounts[1].option("source")->value == "a");
  CHECK(run.mounts[1].option("target")->value == "/y");
  CHECK(run.mounts[1].option("ro")->value == "true");
  CHECK(run.command.words.front() == "make");
}

TEST_CASE("all mistakes in one run, with their places and what was meant") {
  CHECK(mistakes("FROM scratch\n"
                 "CPOY a b\n"
                 "COPY --form=x a b\n"
                 "COPY a\n"
                 "RUN --mount=type=cahce,target=/x y\n"
                 "RUN --mount=type=cache,sharing=x y\n"
                 "COPY a b c\n"
                 "COPY --chmod=9 a b\n"
                 "ENV A\n"
                 "HEALTHCHECK curl x\n"
                 "ONBUILD FROM x\n"
                 "EXPOSE\n"
                 "WORKDIR ${a\n"
                 "FROM a AS 1\n"
                 "FROM a b\n") ==
        "Dockerfile:2:1: unknown instruction \"cpoy\" (did you mean COPY?)\n"
        "Dockerfile:3:6: COPY: unknown flag --form (did you mean --from?)\n"
        "Dockerfile:4:6: COPY: has no destination (COPY SOURCE... DESTINATION)\n"
        "Dockerfile:5:5: RUN: --mount: no type \"cahce\" (did you mean \"cache\"?)\n"
        "Dockerfile:6:5: RUN: --mount=type=cache: needs a target (add target=/PATH)\n"
        "Dockerfile:7:10: COPY: with several sources the destination must be a directory (end it with \"/\": c/)\n"
        "Dockerfile:8:6: COPY: --chmod=\"9\": expected an octal number such as 0755, or a symbolic mode\n"
        "Dockerfile:9:5: ENV: \"A\" has no value (NAME=VALUE)\n"
        "Dockerfile:10:13: HEALTHCHECK: expected NONE, or CMD and a command\n"
        "Dockerfile:11:9: ONBUILD: cannot hold from\n"
        "Dockerfile:12:1: EXPOSE: needs a port\n"
        "Dockerfile:13:9: \"${a\" has no \"}\"\n"
        "Dockerfile:14:11: FROM: \"1\" cannot name a stage (a name begins with a letter and has letters, digits, "
        "\"-\", \"_\" "
        "and \".\")\n"
        "Dockerfile:15:8: FROM: \"b\" is one word too many (FROM IMAGE [AS NAME])\n");
  CHECK(mistakes("RUN a\nRUN b\nFROM scratch\n") ==
        "Dockerfile:1:1: no build stage yet: FROM must come first (only ARG and directives may stand before it)\n");
  CHECK(mistakes("") == "Dockerfile: the Dockerfile is empty\n");
  CHECK(mistakes("FROM a AS x\nFROM b AS X\n") ==
        "Dockerfile:2:11: the stage name \"x\" is taken (by the stage in line 1)\n");
}

TEST_CASE("an empty heredoc, CRLF and a BOM are no trouble") {
  Dockerfile file = parsed(
      "\xEF\xBB\xBF"
      "FROM scratch\r\nRUN <<E\r\nx\r\nE\r\nUSER a\r\n");
  REQUIRE(file.stages[0].instructions.size() == 2);
  CHECK(std::get<Run>(file.stages[0].instructions[0].what).command.heredocs[0].content == "x\n");
  CHECK(std::get<User>(file.stages[0].instructions[1].what).user.value == "a");
}
