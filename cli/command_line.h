#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace berth::cli {

// What commands say of their flags. CLI11 does the parsing; it stays behind these few functions, since whatever file
// sees its templates takes seconds to compile.

/// A flag or an argument, to say more about it.
class Parameter {
 public:
  explicit Parameter(CLI::Option& option) : option_(&option) {}
  const Parameter& required() const;
  /// Any other value is refused, naming these.
  const Parameter& one_of(const std::vector<std::string>& values) const;
  /// Left out of help, manual and completion.
  const Parameter& hidden() const;

 private:
  CLI::Option* option_;
};

/// A command, or a noun above commands. A handle: copies mean the same one. Places that values go to must live until
/// the command line has been parsed.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  [[nodiscard]] Command add_command(const std::string& name, const std::string& help = "") const;
  /// The noun below which Docker's commands on one kind of thing stand (`image ls`): image, builder, container, system.
  /// Made at the first call.
  [[nodiscard]] Command noun(const std::string& name) const;

  /// `names`: "-f,--file", or "FILE" for an argument without a flag.
  Parameter option(const std::string& names, std::string& place, const std::string& help = "") const;
  Parameter option(const std::string& names, std::optional<std::string>& place, const std::string& help = "") const;
  Parameter option(const std::string& names, int64_t& place, const std::string& help = "") const;
  /// Of a flag, one value each time it is named; without a flag, all words.
  Parameter option(const std::string& names, std::vector<std::string>& place, const std::string& help = "") const;
  /// "--pause,!--no-pause": the second sets false. All take =true and =false as well.
  Parameter flag(const std::string& names, bool& place, const std::string& help = "") const;
  /// A flag whose value, "true" or "false", is kept as it was written, empty if it is missing.
  Parameter flag(const std::string& names, std::string& place, const std::string& help = "") const;

  // What Docker knows and has no meaning here: taken, shown nowhere.
  void ignore_option(const std::string& names) const;
  void ignore_flag(const std::string& names) const;

  /// From the first word on that is no flag of this command everything goes to `place`, flags included: at least
  /// `least` words, which `what` names in the message about their lack.
  void rest(std::vector<std::string>& place, size_t least, const std::string& what) const;

  Command alias(const std::string& name) const;
  /// Help is --help alone; -h is a flag of its own.
  void frees_short_help() const;
  Command hidden() const;
  void footer(const std::string& text) const;

  /// What the command does, once the whole line has been understood. Returns the exit code.
  void runs(Context& context, std::function<int()> action) const;

  /// It has --dry-run: then it shows what it would do, or changes nothing anyway. Others refuse to begin.
  void dry_runs(Context& context) const;

  /// For what describes commands rather than making them.
  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  CLI::App* app_;
};

/// The command line of one program, with the flags that may stand before every command.
class CommandLine {
 public:
  CommandLine(const std::string& description, Context& context);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  [[nodiscard]] Command root() const { return Command(*app_); }

  /// The first word that stands where a command does, known or not; "" if there is none.
  [[nodiscard]] std::string command_word(int argc, char** argv) const;

  /// Parses the command line and runs the command it names. The exit code; of a command line that is wrong 1, after a
  /// word on stderr.
  [[nodiscard]] int parse_and_run(int argc, char** argv) const;

 private:
  Context* context_;
  std::unique_ptr<CLI::App> app_;
};

}  // namespace berth::cli
