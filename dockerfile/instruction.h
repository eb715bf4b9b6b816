#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dockerfile/lines.h"
#include "dockerfile/text.h"

// A Dockerfile's instructions as values. Texts still hold their variables: what they are is known when the build comes
// to them.

namespace berth::dockerfile {

/// What RUN, CMD, ENTRYPOINT and HEALTHCHECK CMD execute.
struct Command {
  bool exec_form = false;
  std::vector<std::string> words;  // the shell form has one, the whole text
  std::vector<Heredoc> heredocs;   // RUN
};

struct From {
  Text image;  // or the name of an earlier stage, or "scratch"
  std::optional<Text> platform, name;
};

struct Arg {
  struct One {
    Text name;
    std::optional<Text> value;
  };
  std::vector<One> all;
};

struct Env {
  std::vector<std::pair<Text, Text>> all;
};

struct Label {
  std::vector<std::pair<Text, Text>> all;
};

/// `--mount=type=…,…` of a RUN. Options keep their order; a flag such as `ro` has the value "true".
struct Mount {
  std::string type;  // bind, cache, tmpfs, secret, ssh
  std::vector<std::pair<Text, Text>> options;
  SourceSpan span;

  [[nodiscard]] const Text* option(std::string_view name) const;
};

struct Run {
  Command command;
  std::vector<Mount> mounts;
  std::optional<Text> network;   // default, none, host
  std::optional<Text> security;  // sandbox, insecure
};

/// COPY and ADD.
struct Copy {
  bool add = false;
  std::vector<Text> sources;
  Text destination;
  std::vector<Heredoc> heredocs;  // files that come from the Dockerfile itself
  std::optional<Text> from, chown, chmod, checksum;
  std::vector<Text> exclude;
  bool link = false, parents = false, keep_git_dir = false;
  std::optional<bool> unpack;
};

struct Cmd {
  Command command;
};

struct Entrypoint {
  Command command;
};

struct Expose {
  std::vector<Text> ports;
};

struct Healthcheck {
  bool none = false;
  Command command;
  std::optional<Text> interval, timeout, start_period, start_interval, retries;
};

struct Maintainer {
  Text name;
};

struct Shell {
  std::vector<std::string> words;
};

struct StopSignal {
  Text signal;
};

struct User {
  Text user;
};

struct Volume {
  std::vector<Text> paths;
};

struct Workdir {
  Text path;
};

/// Kept as it is written; it becomes an instruction of the images that are built on this one.
struct Onbuild {
  std::string text;
};

struct Instruction {
  std::variant<From, Arg, Env, Label, Run, Copy, Cmd, Entrypoint, Expose, Healthcheck, Maintainer, Shell, StopSignal,
               User, Volume, Workdir, Onbuild>
      what;
  std::string text;  // as written, lines joined: for progress and the image's history
  SourceSpan span;   // of its keyword
};

struct Stage {
  From from;
  std::string text;
  SourceSpan span;
  std::vector<Instruction> instructions;
};

struct Dockerfile {
  Directives directives;
  std::vector<Instruction> global_args;  // ARG before the first FROM
  std::vector<Stage> stages;

  /// The stage of that name, else of that number; -1 if there is none.
  [[nodiscard]] int find_stage(std::string_view name) const;
};

}  // namespace berth::dockerfile
