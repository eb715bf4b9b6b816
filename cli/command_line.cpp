#include "cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>

#include "base/text.h"
#include "base/version.h"
#include "cli/docker_compose.h"
#include "cli/examples.h"
#include "cli/flag_table.h"
#include "cli/go_flags.h"
#include "cli/project.h"
#include "cli/unknown_words.h"

namespace berth::cli {
namespace {

constexpr const char* kDryRun = "--dry-run";

/// The command that the user has named, below all nouns.
const CLI::App* named_command(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

void add_global_flags(Command root, Context& context) {
  root.option("-f,--file", context.files, "Compose configuration files");
  root.option("-p,--project-name", context.project_name, "Project name");
  root.option("--project-directory", context.project_directory, "Alternate working directory");
  root.option("--profile", context.profiles, "Profile to enable");
  root.option("--env-file", context.env_files, "Alternate environment file");
  root.option("--parallel", context.parallel, "Maximum parallelism, -1 for unlimited");
  root.flag(kDryRun, context.dry_run, "Show what the command would do, and do nothing");
  root.option("--progress", context.progress, "Type of progress output")
      .one_of({"auto", "tty", "plain", "json", "quiet"});
  root.option("--ansi", context.ansi, "When to print control characters").one_of({"never", "always", "auto"});
  root.flag("--all-resources", context.all_resources, "Include all resources, even those not used by services");
  root.flag("--compatibility", context.compatibility, "Names of containers with _ instead of -");
  root.option("--workdir", context.workdir).hidden();
  root.flag("--no-ansi", context.no_ansi).hidden();
  root.flag("--insecure-registry", context.insecure_registry).hidden();
  root.ignore_flag("--verbose");
}

}  // namespace

const Parameter& Parameter::required() const {
  option_->required();
  return *this;
}

const Parameter& Parameter::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values));
  return *this;
}

const Parameter& Parameter::hidden() const {
  option_->group("");
  return *this;
}

Command Command::add_command(const std::string& name, const std::string& help) const {
  CLI::App* made = app_->add_subcommand(name, help);
  made->footer([made] { return examples_text(path_of(*made)); });
  return Command(*made);
}

Command Command::noun(const std::string& name) const {
  static const std::map<std::string, std::string> descriptions = {
      {"image", "Manage images"},     {"builder", "Manage builds"}, {"container", "Manage containers"},
      {"network", "Manage networks"}, {"system", "Manage berth"},   {"volume", "Manage volumes"}};
  if (CLI::App* known = command_named(*app_, name)) return Command(*known);
  CLI::App* made = app_->add_subcommand(name, descriptions.at(name));
  made->require_subcommand(1);
  return Command(*made);
}

Parameter Command::option(const std::string& names, std::string& place, const std::string& help) const {
  return Parameter(*app_->add_option(names, place, help));
}

Parameter Command::option(const std::string& names, std::optional<std::string>& place, const std::string& help) const {
  return Parameter(*app_->add_option(names, place, help));
}

Parameter Command::option(const std::string& names, int64_t& place, const std::string& help) const {
  return Parameter(*app_->add_option(names, place, help));
}

Parameter Command::option(const std::string& names, std::vector<std::string>& place, const std::string& help) const {
  CLI::Option* option = app_->add_option(names, place, help);
  if (names.starts_with('-')) option->allow_extra_args(false);
  return Parameter(*option);
}

Parameter Command::flag(const std::string& names, bool& place, const std::string& help) const {
  return Parameter(*app_->add_flag(names, place, help));
}

Parameter Command::flag(const std::string& names, std::string& place, const std::string& help) const {
  Parameter parameter(*app_->add_flag(names + "{true}", place, help));
  parameter.one_of({"true", "false"});
  return parameter;
}

void Command::ignore_option(const std::string& names) const {
  // Several names mean several flags, each with a value of its own.
  app_->add_option(names)->description(kIgnored)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)->group("");
}

void Command::ignore_flag(const std::string& names) const {
  app_->add_flag(names)->description(kIgnored)->group("");
}

void Command::rest(std::vector<std::string>& place, size_t least, const std::string& what) const {
  app_->prefix_command();
  app_->parse_complete_callback([app = app_, &place, least, what] {
    place = app->remaining();
    if (place.size() < least) throw CLI::ValidationError(app->get_name(), "needs " + what);
  });
}

Command Command::alias(const std::string& name) const {
  app_->alias(name);
  return *this;
}

void Command::frees_short_help() const {
  app_->set_help_flag("--help", "Print this help message and exit");
}

Command Command::hidden() const {
  app_->group("");
  return *this;
}

void Command::footer(const std::string& text) const {
  app_->footer(text);
}

void Command::runs(Context& context, std::function<int()> action) const {
  app_->final_callback([&context, action = std::move(action)] { context.command = action; });
}

void Command::dry_runs(Context& context) const {
  app_->add_flag(kDryRun, context.dry_run, "Show what would be done, and do nothing");
}

CommandLine::CommandLine(const std::string& description, Context& context)
    : context_(&context),
      app_(std::make_unique<CLI::App>(description, context.as_docker_compose ? "docker-compose" : "berth")) {
  app_->require_subcommand(1);
  app_->set_version_flag("-v,--version", version_line(context));
  add_global_flags(root(), context);
}

CommandLine::~CommandLine() = default;

std::string CommandLine::command_word(int argc, char** argv) const {
  std::vector<std::string> with_value;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->get_items_expected() == 0) continue;
    for (const std::string& name : option->get_lnames()) with_value.push_back("--" + name);
    for (const std::string& name : option->get_snames()) with_value.push_back("-" + name);
  }
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (std::find(with_value.begin(), with_value.end(), word) != with_value.end())
      ++i;
    else if (word[0] != '-')
      return word;
  }
  return "";
}

int CommandLine::parse_and_run(int argc, char** argv) const {
  context_->argv = argv;
  std::string word = command_word(argc, argv);
  const CLI::App* command = command_named(*app_, word);
  if (!word.empty() && command == nullptr) {
    // It may be what was meant for a flag that there is not.
    for (int i = 1; argv[i] != word; ++i) {
      if (is_unknown_flag(*app_, argv[i])) return refuse_words(*app_, *app_, {argv[i]});
    }
    return refuse_command(*app_, "berth", word);
  }
  if (command != nullptr && command->get_require_subcommand_min() > 0) {
    char** below = std::find(argv, argv + argc, word) + 1;
    if (below < argv + argc && **below != '-' && command_named(*command, *below) == nullptr)
      return refuse_command(*command, "berth " + command->get_name(), *below);
  }
  app_->failure_message(CLI::FailureMessage::simple);
  try {
    std::vector<std::string> words = spelt_for_cli11(*app_, argc, argv);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app_->parse(std::move(words));
  } catch (const CLI::ExtrasError&) {
    return refuse_words(*app_, *named_command(app_.get()), app_->remaining(true));
  } catch (const CLI::ParseError& e) {
    return app_->exit(e, std::cout, std::cerr) == 0 ? 0 : 1;
  }
  if (const CLI::App* named = named_command(app_.get());
      context_->dry_run && named->get_option_no_throw(kDryRun) == nullptr) {
    fmt::print(stderr, "error: {} has no --dry-run\n", named->get_name());
    return 1;
  }
  if (Status settled = settle(*context_); !settled) return report(*context_, settled);
  return context_->command();
}

}  // namespace berth::cli
