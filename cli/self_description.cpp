#include "cli/self_description.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/version.h"

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
    text += ".TP\n.B " + escaped(option->get_name()) + "\n" + escaped(option->get_description()) + "\n";
  }
  return text;
}

std::string command_entries(const CLI::App& app, const std::string& path) {
  std::string text;
  for (const CLI::App* command : commands_of(app)) {
    std::string name = path + command->get_name();
    text += ".SS " + escaped(name) + "\n" + escaped(command->get_description()) + "\n" + flag_entries(*command);
    text += command_entries(*command, name + " ");
  }
  return text;
}

/// All long and short spellings of a command's flags, with blanks between.
std::string flag_words(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : flags_of(app)) {
    for (const std::string& name : option->get_lnames()) words += " --" + name;
    for (const std::string& name : option->get_snames()) words += " -" + name;
  }
  return words;
}

std::string command_words(const CLI::App& app) {
  std::string words;
  for (const CLI::App* command : commands_of(app)) words += (words.empty() ? "" : " ") + command->get_name();
  return words;
}

std::string bash(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    std::string more = command_words(*command);
    cases += fmt::format("    {}) words=\"{}{}\";{} ;;\n", command->get_name(), more, flag_words(*command),
                         more.empty() ? " services=1" : "");
  }
  return "# Completion of berth for bash.\n"
         "_berth() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" command=\"\" word words=\"\" services=0\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \" " +
         command_words(app) +
         " \" in *\" $word \"*) command=\"$word\"; break ;; esac\n"
         "  done\n"
         "  case \"$command\" in\n"
         "    \"\") words=\"" +
         command_words(app) + flag_words(app) + "\" ;;\n" + cases +
         "  esac\n"
         "  [ $services = 1 ] && words=\"$words $(berth config --services 2>/dev/null)\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _berth berth\n";
}

std::string zsh(const CLI::App& app) {
  return "#compdef berth\n# Completion of berth for zsh, through that for bash.\nautoload -U +X bashcompinit && "
         "bashcompinit\n" +
         bash(app);
}

std::string fish(const CLI::App& app) {
  std::string text = "# Completion of berth for fish.\n";
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format("complete -c berth -n __fish_use_subcommand -a {} -d '{}'\n", command->get_name(),
                        command->get_description());
    for (const CLI::Option* option : flags_of(*command)) {
      text += fmt::format("complete -c berth -n '__fish_seen_subcommand_from {}'", command->get_name());
      for (const std::string& name : option->get_lnames()) text += " -l " + name;
      for (const std::string& name : option->get_snames()) text += " -s " + name;
      text += "\n";
    }
  }
  return text + "complete -c berth -n 'not __fish_use_subcommand' -a '(berth config --services 2>/dev/null)'\n";
}

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

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash(app);
  if (shell == "zsh") return zsh(app);
  return shell == "fish" ? fish(app) : "";
}

}  // namespace berth::cli
