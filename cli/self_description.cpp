#include "cli/self_description.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "base/version.h"
#include "cli/examples.h"

namespace berth::cli {
namespace {

/// Text in which man(7) sees no commands.
std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    out += c;
  }
  return out.rfind('.', 0) == 0 || out.rfind('\'', 0) == 0 ? "\\&" + out : out;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> shown;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) shown.push_back(command);
  }
  return shown;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
  std::vector<const CLI::Option*> shown;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty() && !option->get_positional()) shown.push_back(option);
  }
  return shown;
}

std::string flag_entries(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : flags_of(app)) {
    text += ".TP\n.B " + escaped(join(split(option->get_name(false, true), ','), ", ")) + "\n" +
            escaped(option->get_description()) + "\n";
  }
  return text;
}

std::string example_entries(const std::string& path) {
  std::string text;
  for (const Example& example : examples_of(path)) {
    text += fmt::format("{}.B {}\n.br\n{}\n", text.empty() ? ".PP\nExamples:\n.PP\n" : ".PP\n", escaped(example.line),
                        escaped(example.meaning));
  }
  return text;
}

std::string command_entries(const CLI::App& app, const std::string& path) {
  std::string text;
  for (const CLI::App* command : commands_of(app)) {
    std::string name = path + command->get_name();
    text += ".SS " + escaped(name) + "\n" + escaped(command->get_description()) + "\n" + flag_entries(*command) +
            example_entries("berth " + name);
    text += command_entries(*command, name + " ");
  }
  return text;
}

// The scripts ask the program itself, which knows its commands, flags and resources: `berth __complete WORD...` prints
// what may stand in the place of the last word, with a tab before what it means. Nothing: perhaps a file.

constexpr const char* kBash = R"(# Completion of berth for bash.
_berth() {
  local line=${COMP_LINE:0:COMP_POINT} words word about
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(""); fi
  COMPREPLY=()
  while IFS=$'\t' read -r word about; do
    COMPREPLY+=("$word")
  done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
  # bash puts an answer in the place of what is behind these.
  local current=${words[-1]}
  if [[ $current == *[=:]* && ${#COMPREPLY[@]} -gt 0 ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*[=:]}"}"}")
  fi
}
complete -o default -F _berth berth
)";

constexpr const char* kZsh = R"(#compdef berth
# Completion of berth for zsh.
_berth() {
  local -a found
  local line
  for line in "${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
    if [[ -n $line ]]; then found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}"); fi
  done
  if (( $#found )); then
    _describe -V 'berth' found
  else
    _files
  fi
}
if [[ ${funcstack[1]} == _berth ]]; then _berth "$@"; else compdef _berth berth; fi
)";

constexpr const char* kFish = R"(# Completion of berth for fish.
function __berth_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l found ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\n' $found
  else
    __fish_complete_path "$current"
  end
end
complete -c berth -f -a '(__berth_complete)'
)";

}  // namespace

std::string man_page(const CLI::App& app) {
  return fmt::format(
             ".TH BERTH 1 \"\" \"berth {}\" \"User Commands\"\n"
             ".SH NAME\nberth \\- bring Compose stacks up with nothing else installed\n"
             ".SH SYNOPSIS\n.B berth\n[OPTIONS] COMMAND [ARGS...]\n"
             ".SH DESCRIPTION\n{}\n"
             ".SH OPTIONS\n",
             kVersion, escaped(app.get_description())) +
         flag_entries(app) + ".SH COMMANDS\n" + command_entries(app, "") +
         ".SH ENVIRONMENT\n"
         ".TP\n.B BERTH_ROOT\nWhere images, volumes and containers are kept (/var/lib/berth).\n"
         ".TP\n.B BERTH_RUN\nWhere sockets and runtime records are kept (/run/berth).\n"
         ".TP\n.B COMPOSE_FILE, COMPOSE_PROJECT_NAME, COMPOSE_PROFILES, COMPOSE_ENV_FILES\nAs for docker compose.\n"
         ".SH EXIT STATUS\n"
         "0 on success, 1 on an error, 130 after SIGINT or SIGTERM. exec and run return the status of their command.\n";
}

std::string completion_script(const std::string& shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  return shell == "fish" ? kFish : "";
}

}  // namespace berth::cli
